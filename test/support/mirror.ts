import { pino } from 'pino';
import { openMirrorDatabase } from '../../src/mirror/database.ts';
import { openMirror, type Mirror, type MirrorOptions } from '../../src/mirror/mirror.ts';
import type { FeedWish } from '../../src/mirror/feed/log-triggers.ts';
import type { MirrorTable } from '../../src/mirror/table/mirror-table.ts';
import type { PageResult } from '../../src/mirror/page/page-step.ts';
import type { PageWriter } from '../../src/mirror/page/page-writer.ts';
import { DEFAULT_ROW_POLICY, type RowPolicy } from '../../src/mirror/quarantine/row-policy.ts';
import { takeLease, type Lease } from '../../src/mirror/lease/leases.ts';
import { advance, type Checkpoint } from '../../src/model/checkpoint.ts';
import type { Page } from '../../src/model/page.ts';
import type { Table } from '../../src/model/table.ts';
import { freshDatabase, type TestDatabase } from './database.ts';

export const silent = pino({ level: 'silent' });
export const never = new AbortController().signal;

export const ORGANIZATION = '10000000-0000-4000-8000-000000000001';

/** The options of a mirror in the schemas that most tests have. */
export function mirrorOptions(url: string, more: Partial<MirrorOptions> = {}): MirrorOptions {
  return {
    url,
    schema: 'dataverse',
    stateSchema: 'mirrorverse',
    connections: 12,
    leaseDuration: 30_000,
    ...more,
  };
}

/** A mirror in a database of its own. */
export interface TestMirror extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly mirror: Mirror;
}

export async function testMirror(
  leaseDuration = 30_000,
  rows: RowPolicy = DEFAULT_ROW_POLICY,
): Promise<TestMirror> {
  const database = await freshDatabase();
  const options = mirrorOptions(database.url, { connections: 8, leaseDuration, rows });
  const opened = openMirrorDatabase(options, silent);
  const environment = { url: 'https://org', organizationId: ORGANIZATION, linkLifeDays: 7 };
  const mirror = await openMirror(opened, options, environment, ['thing', 'account']);
  return {
    database,
    mirror,
    async [Symbol.asyncDispose]() {
      // A writer that the test did not close holds a connection, which the drop ends.
      const ended = opened.close();
      await database.drop();
      ended.catch(() => undefined);
    },
  };
}

/** A writer for one table that keeps the checkpoint as a pass does. */
export class WritingTable {
  checkpoint: Checkpoint;
  readonly writer: PageWriter;
  readonly lease: Lease;
  readonly target: MirrorTable;

  private constructor(checkpoint: Checkpoint, writer: PageWriter, lease: Lease, target: MirrorTable) {
    this.checkpoint = checkpoint;
    this.writer = writer;
    this.lease = lease;
    this.target = target;
  }

  static async open(
    mirror: Mirror,
    table: Table,
    options: {
      holder?: string;
      softDeletes?: boolean;
      phase?: 'baseline' | 'rebaseline' | 'stored';
      feed?: FeedWish;
      history?: boolean;
    } = {},
  ): Promise<WritingTable> {
    const { holder = 'test', softDeletes = false, phase = 'baseline', feed, history } = options;
    const logged = { ...(feed === undefined ? {} : { feed }), ...(history === undefined ? {} : { history }) };
    const taken = await takeLease(mirror.store, table.logicalName, holder, mirror.options.leaseDuration);
    if (taken === null) throw new Error('the lease is held by another');
    const { mirror: target } = await mirror.prepare(table, softDeletes, taken.lease, logged);
    const start: Checkpoint =
      phase === 'stored'
        ? taken.checkpoint
        : { phase, catchingUp: false, link: null, rewound: false, selection: 'whatever' };
    return new WritingTable(start, mirror.writer(target, taken.lease, logged), taken.lease, target);
  }

  async write(page: Page, finished = false): Promise<PageResult> {
    const step = advance(this.checkpoint, page.link);
    const begins = this.checkpoint.link === null;
    const result = await this.writer.write(
      page,
      { from: this.checkpoint, advance: step, begins, finished },
      never,
    );
    this.checkpoint = step.checkpoint;
    return result;
  }
}
