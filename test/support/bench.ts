import { createServer } from 'node:net';
import { once } from 'node:events';
import { DataverseEmulator } from '../../src/emulator/dataverse-emulator.ts';
import type { JournalEntry } from '../../src/emulator/web-api/request-journal.ts';
import { assertNoLeak, leaksInState, ROW_CANARY, secretsOf } from './canaries.ts';
import { CommandLine, type Environment } from './command-line.ts';
import { freshDatabase, type DatabaseRole, type TestDatabase } from './database.ts';
import { mirrorEnvironment } from './mirror-environment.ts';

/** An emulator, a database, and the command line with both in its environment. */
export interface Bench extends AsyncDisposable {
  readonly emulator: DataverseEmulator;
  readonly url: string;
  readonly database: TestDatabase;
  readonly cli: CommandLine;
}

/** @param role of the command line's connection; that of the test run where the test does not care. */
export async function openBench(
  tables: readonly string[],
  environment: Environment = {},
  role?: DatabaseRole,
): Promise<Bench> {
  const emulator = new DataverseEmulator({ seed: 5 });
  emulator.settings.errorsQuote = ROW_CANARY;
  const [url, database] = await Promise.all([emulator.listen(), freshDatabase(role)]);
  const given = mirrorEnvironment({ url, database }, tables, environment);
  const cli = await CommandLine.open(given);
  return {
    emulator,
    url,
    database,
    cli,
    async [Symbol.asyncDispose]() {
      await cli[Symbol.asyncDispose]();
      await emulator.close();
      const inState = await leaksInState(database, secretsOf(given));
      await database.drop();
      assertNoLeak(inState);
    },
  };
}

const DATA = new Set(['baseline', 'delta', 'next', 'row', 'list']);

/** Requests for rows of a table, metadata left out. */
export function dataRequests(emulator: DataverseEmulator, table: string): JournalEntry[] {
  return emulator.requests.find({ table }).filter((entry) => DATA.has(entry.kind));
}

/** A port nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

/** An entry of what `sync --json` prints. */
export interface SyncEntry {
  readonly table: string;
  readonly phase: string;
  readonly pages: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
  readonly rowsDeleted: number;
  readonly rowsQuarantined: number;
  readonly quarantined: number;
  readonly milliseconds: number;
  readonly error: { readonly code: string; readonly message: string; readonly remedy: string } | null;
}

/** Runs `sync` or `backfill` with `--json`. */
export async function syncJson(
  cli: CommandLine,
  args: readonly string[],
  environment: Environment = {},
): Promise<{ readonly status: number | null; readonly tables: readonly SyncEntry[] }> {
  const { status, document } = await cli.json(args, environment);
  return { status, tables: (document as { tables: SyncEntry[] }).tables };
}
