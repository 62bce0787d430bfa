import { openMirrorDatabase } from '../../src/mirror/database.ts';
import { openMirror } from '../../src/mirror/mirror.ts';
import { sharedStatus } from '../../src/operations/health/process-status.ts';
import { controlRoutes, type HttpAct } from '../../src/operations/http/control-routes.ts';
import { createLiveEvents } from '../../src/operations/status-page/live-events.ts';
import { pageRoutes } from '../../src/operations/status-page/page-routes.ts';
import { pageStateReader } from '../../src/operations/status-page/page-state.ts';
import { freshDatabase, type TestDatabase } from './database.ts';
import { openHttpPort, type HttpPort } from './http-port.ts';
import { mirrorOptions, ORGANIZATION, silent } from './mirror.ts';

/** The status page of a database in this process, as the daemon has it. */
export interface ShownPage extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly http: HttpPort;
  /** How often the state was read. */
  readonly reads: () => number;
  /** What was asked of tables. */
  readonly acts: readonly HttpAct[];
}

export async function openShownPage(
  tables: readonly string[],
  { token, act }: { readonly token?: string; readonly act?: (act: HttpAct) => Promise<object> } = {},
): Promise<ShownPage> {
  const database = await freshDatabase();
  const options = mirrorOptions(database.url, { connections: 4 });
  const opened = openMirrorDatabase(options, silent);
  const url = 'https://contoso.crm.dynamics.com';
  await openMirror(opened, options, { url, organizationId: ORGANIZATION, linkLifeDays: 7 }, []);
  let reads = 0;
  const acts: HttpAct[] = [];
  const entries = tables.map((name) => ({ name, mode: 'changes' as const }));
  const status = sharedStatus(
    async () => {
      reads++;
      return opened;
    },
    () => ({ url, choice: { entries, leftOut: [] }, requestsPer5Minutes: 6_000 }),
  );
  const read = pageStateReader({ status, database: async () => opened, notReady: () => null });
  const events = createLiveEvents(read);
  const http = await openHttpPort([
    ...pageRoutes(read, events, { version: '1.2.3', hasToken: token !== undefined }),
    ...controlRoutes({
      token: () => token,
      async act(asked) {
        acts.push(asked);
        return (await act?.(asked)) ?? {};
      },
    }),
  ]);
  return {
    database,
    http,
    reads: () => reads,
    acts,
    async [Symbol.asyncDispose]() {
      events.close();
      await http[Symbol.asyncDispose]();
      const ended = opened.close();
      await database.drop();
      await ended.catch(() => undefined);
    },
  };
}
