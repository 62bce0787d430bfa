import type { FeedWish } from '../../src/mirror/feed/log-triggers.ts';
import type { Table } from '../../src/model/table.ts';
import { eventually } from './command-line.ts';
import { page, row, THING } from './hand-made.ts';
import { WritingTable, type TestMirror } from './mirror.ts';

export interface Change extends Record<string, unknown> {
  readonly operation: string;
  readonly position: string;
  readonly after: Record<string, unknown> | null;
}

export const SHORT_CHANGES = `SELECT operation, right(key::text, 1) AS key, source_version::int AS version, columns FROM mirrorverse.changes
  ORDER BY xact, position`;

export async function openThing(
  test: TestMirror,
  options: { feed?: FeedWish; softDeletes?: boolean; table?: Table; phase?: 'rebaseline' | 'stored' } = {},
): Promise<WritingTable> {
  await test.database.query('UPDATE mirrorverse.tables SET lease_holder = NULL');
  const { table = THING, feed = 'marker', ...more } = options;
  return WritingTable.open(test.mirror, table, { feed, ...more });
}

/** A table of three rows, loaded, and its log emptied. */
export async function loadedThing(test: TestMirror, softDeletes = false): Promise<WritingTable> {
  const table = await openThing(test, { softDeletes });
  await table.write(page([row(1, 1), row(2, 2), row(3, 3)], 'delta'));
  await test.database.query('DELETE FROM mirrorverse.changes');
  return table;
}

/** Other tests have open transactions on the same server, and changes behind them are not settled yet. */
export async function settled({ database }: TestMirror): Promise<void> {
  const unsettled = 'SELECT FROM mirrorverse.changes WHERE xact >= pg_snapshot_xmin(pg_current_snapshot())';
  await eventually(async () => (await database.query(unsettled)).length === 0);
}

export async function readChanges(test: TestMirror, consumer: string, limit = 100): Promise<Change[]> {
  return test.database.query<Change>('SELECT * FROM mirrorverse.read_changes($1, $2)', [consumer, limit]);
}

/** A partition of a day that is long over, with one change. */
export async function oldPartition({ database }: TestMirror, day: string): Promise<void> {
  const role = new URL(database.url).username;
  const name = `mirrorverse.logged_changes_${day.replaceAll('-', '')}`;
  await database.query(
    `CREATE TABLE ${name} PARTITION OF mirrorverse.logged_changes FOR VALUES FROM ('${day}Z') TO ('${day} 24:00Z');
     ALTER TABLE ${name} OWNER TO "${role}";
     INSERT INTO mirrorverse.changes (environment_id, table_name, operation, changed_at) VALUES (1, 'thing', 'b', '${day} 12:00Z')`,
  );
}

export async function sqlstate(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (error: unknown) => (error as { code: string }).code,
  );
}
