import { afterAll, beforeAll, expect, test } from 'vitest';
import { lookup } from '../../src/emulator/table-parts/column-kinds.ts';
import { telemetry } from '../../src/emulator/tables/telemetry.ts';
import { historyDifferences } from '../support/history.ts';
import { leaseEvents, watchLeases } from '../support/lease-journal.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';

let bench: SyncBench;
beforeAll(async () => {
  bench = await SyncBench.open({}, 'administrator');
});
afterAll(async () => bench[Symbol.asyncDispose]());

/** The partitions of a mirror table, with the rows of each. */
async function partitions(table: string): Promise<Record<string, number>> {
  const leaves = await bench.database.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = 'dataverse.${table}'::regclass ORDER BY length(c.relname), 1`,
  );
  const found: Record<string, number> = {};
  for (const { name } of leaves) {
    const [row] = await bench.database.query<{ rows: number }>(
      `SELECT count(*)::int AS rows FROM dataverse."${name}"`,
    );
    found[name] = row?.rows ?? 0;
  }
  return found;
}

const named = (table: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `_${table}_p${at}`);

async function sync(table: string, options: SyncOptions): Promise<void> {
  expect(failures(await bench.sync([table], options))).toEqual({});
  expect(await differences(bench.emulator.store, bench.database, table)).toEqual([]);
}

test('a new mirror table gets its partitions, and follows its source and the columns of its source', async () => {
  const { store } = bench.emulator;
  const ids = store.seed('contact', 60);
  await sync('contact', { partitions: 4, indexesLookups: true });
  const filled = await partitions('contact');
  expect(Object.keys(filled)).toEqual(named('contact', 4));
  expect(Object.values(filled).every((rows) => rows > 0)).toBe(true);
  for (const id of ids.slice(0, 10)) store.remove('contact', id);
  store.update('contact', ids[20] ?? '', { firstname: 'Changed' });
  store.addColumn('contact', lookup('new_PartnerId', ['Partner', 'Partner'], ['team']));
  store.seed('contact', 20);
  await sync('contact', { partitions: 4, indexesLookups: true });
});

test('a mirror table is moved into partitions, into others, and back, each time by a load', async () => {
  const { store, requests } = bench.emulator;
  store.seed('account', 60);
  await sync('account', {});
  requests.clear();
  for (const [count, names] of [
    [3, named('account', 3)],
    [5, named('account', 5)],
    [undefined, []],
  ] as const) {
    await sync('account', count === undefined ? {} : { partitions: count });
    expect(Object.keys(await partitions('account'))).toEqual(names);
  }
  expect(requests.count({ kind: 'baseline', table: 'account' })).toBe(3);
  await sync('account', {});
  expect(requests.count({ kind: 'baseline', table: 'account' })).toBe(3);
});

test('readers of a mirror table that is moved always see all of its rows', async () => {
  const { store } = bench.emulator;
  const { database } = bench;
  store.seed('lead', 80);
  await sync('lead', {});
  const old = await database.pool.connect();
  await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM dataverse._loads');
  const move = { isOver: false };
  const moved = (async () => {
    await sync('lead', { partitions: 6 });
    move.isOver = true;
  })();
  const counts = new Set<number>();
  const count = async (): Promise<void> => {
    const [row] = await database.query<{ rows: number }>('SELECT count(*)::int AS rows FROM dataverse.lead');
    counts.add(row?.rows ?? 0);
  };
  for (;;) {
    await count();
    const [copy] = await database.query(`SELECT 1 FROM pg_class WHERE relname = '_lead_moving'`);
    if (copy !== undefined) break;
  }
  // The copy waits for a transaction with a snapshot of before, which first reads the table now.
  expect((await old.query('SELECT count(*)::int AS rows FROM dataverse.lead')).rows).toEqual([{ rows: 80 }]);
  expect(move.isOver).toBe(false);
  await old.query('COMMIT');
  old.release();
  while (!move.isOver) await count();
  await moved;
  expect([...counts]).toEqual([80]);
  expect(Object.keys(await partitions('lead'))).toEqual(named('lead', 6));
});

test('a move keeps views, privileges, policies, triggers, indexes, publications, marked rows and values of removed columns', async () => {
  const { store } = bench.emulator;
  const { database } = bench;
  const [gone = ''] = store.seed('task', 30);
  const soft = { softDeletes: true, indexesLookups: true };
  await sync('task', soft);
  store.remove('task', gone);
  store.removeColumn('task', 'description');
  await sync('task', soft);
  const role = `reader_${Date.now()}`;
  await database.query(`CREATE ROLE ${role}`);
  await database.query(`
    ALTER DEFAULT PRIVILEGES IN SCHEMA dataverse GRANT SELECT ON TABLES TO PUBLIC;
    CREATE VIEW public.open_tasks WITH (security_barrier) AS SELECT activityid, subject FROM dataverse.task WHERE statecode = 0;
    CREATE VIEW public.some AS SELECT * FROM public.open_tasks;
    GRANT SELECT ON public.open_tasks TO ${role};
    COMMENT ON VIEW public.open_tasks IS 'mine';
    GRANT SELECT (activityid, subject) ON dataverse.task TO ${role};
    CREATE INDEX by_subject ON dataverse.task (lower(subject)) WHERE statecode = 0;
    COMMENT ON INDEX dataverse.by_subject IS 'mine too';
    ALTER TABLE dataverse.task ADD CONSTRAINT short CHECK (length(subject) < 100000);
    ALTER TABLE dataverse.task ENABLE ROW LEVEL SECURITY;
    CREATE POLICY few ON dataverse.task FOR SELECT TO ${role} USING (statecode = 0);
    CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER mine BEFORE UPDATE ON dataverse.task FOR EACH ROW WHEN (NEW.statecode = 7) EXECUTE FUNCTION public.nothing();
    ALTER TABLE dataverse.task DISABLE TRIGGER mine;
    CREATE PUBLICATION tasks FOR TABLE dataverse.task WITH (publish_via_partition_root)`);
  const seen = async (): Promise<unknown> =>
    database.query(`SELECT
      (SELECT json_agg(json_build_array(indexname, split_part(replace(indexdef, 'ON ONLY', 'ON'), ' ON ', 2), obj_description(format('dataverse.%I', indexname)::regclass)) ORDER BY indexname) FROM pg_indexes WHERE tablename = 'task' AND schemaname = 'dataverse') AS indexes,
      (SELECT json_agg(json_build_array(tgname, tgenabled, pg_get_triggerdef(oid)) ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 'dataverse.task'::regclass AND NOT tgisinternal) AS triggers,
      (SELECT json_agg(p ORDER BY policyname) FROM pg_policies p WHERE tablename = 'task') AS policies,
      (SELECT json_agg(json_build_array(conname, pg_get_constraintdef(oid)) ORDER BY conname) FROM pg_constraint WHERE conrelid = 'dataverse.task'::regclass) AS constraints,
      (SELECT json_agg(json_build_array(column_name, grantee, privilege_type) ORDER BY column_name, grantee) FROM information_schema.column_privileges WHERE table_name = 'task' AND grantee <> current_user) AS columns,
      (SELECT json_agg(json_build_array(grantee, privilege_type, table_name) ORDER BY table_name, grantee) FROM information_schema.table_privileges WHERE table_name IN ('task', 'open_tasks') AND grantee <> current_user) AS tables,
      (SELECT json_agg(json_build_array(pubname, tablename)) FROM pg_publication_tables) AS published,
      (SELECT json_agg(json_build_array(oid, reloptions, obj_description(oid))) FROM pg_class WHERE relname = 'open_tasks') AS views,
      obj_description('dataverse.task'::regclass) AS comment, (SELECT relrowsecurity FROM pg_class WHERE oid = 'dataverse.task'::regclass) AS secured,
      (SELECT count(*) FROM public.some)::int AS rows, (SELECT count(description)::int FROM dataverse.task) AS removed,
      (SELECT count(*)::int FROM dataverse.task WHERE _deleted_at IS NOT NULL) AS marked`);
  const before = await seen();
  for (const more of [{ partitions: 4 }, { partitions: 7 }, {}]) {
    await sync('task', { ...soft, ...more });
    expect(Object.keys(await partitions('task'))).toHaveLength(more.partitions ?? 0);
    expect(await seen()).toEqual(before);
    // Nobody reads a partition past the policies of its table.
    expect(
      await database.query(
        `SELECT 1 FROM pg_class WHERE relname LIKE '\\_task\\_p%' AND relkind = 'r' AND has_table_privilege('${role}', oid, 'SELECT')`,
      ),
    ).toEqual([]);
  }
  await database.query(
    `DROP OWNED BY ${role}; DROP ROLE ${role}; ALTER DEFAULT PRIVILEGES IN SCHEMA dataverse REVOKE SELECT ON TABLES FROM PUBLIC`,
  );
});

test('a mirror table that cannot be moved goes on as it is, and is moved when nothing is in the way', async () => {
  const { store } = bench.emulator;
  const { database } = bench;
  store.seed('team', 10);
  await sync('team', {});
  await database.query('CREATE MATERIALIZED VIEW public.teams AS SELECT name FROM dataverse.team');
  store.seed('team', 5);
  const warned: string[] = [];
  await sync('team', { partitions: 3, warn: (message) => warned.push(message) });
  expect(warned).toEqual([expect.stringContaining('materialized view public.teams')]);
  expect(await partitions('team')).toEqual({});
  await database.query('DROP MATERIALIZED VIEW public.teams');
  await sync('team', { partitions: 3 });
  expect(Object.keys(await partitions('team'))).toEqual(named('team', 3));
});

test('a run removes what a killed move has left', async () => {
  const { store } = bench.emulator;
  const { database } = bench;
  store.seed('team', 3);
  await sync('team', { partitions: 3 });
  const left = `CREATE TABLE dataverse._team_moving (LIKE dataverse.team) PARTITION BY HASH (teamid);
    CREATE TABLE dataverse._team_moving_p0 PARTITION OF dataverse._team_moving FOR VALUES WITH (MODULUS 1, REMAINDER 0)`;
  for (const wanted of [{ partitions: 4 }, { partitions: 4 }, {}]) {
    await database.query(left);
    store.seed('team', 1);
    await sync('team', wanted);
    expect(await database.query(`SELECT relname FROM pg_class WHERE relname LIKE '\\_team\\_mov%'`)).toEqual(
      [],
    );
  }
});

test.each([
  ['was truncated', 'TRUNCATE dataverse._opportunity_p1'],
  [
    'was truncated without its trigger',
    `SET session_replication_role = replica; TRUNCATE dataverse._opportunity_p1; RESET session_replication_role`,
  ],
  ['was emptied', 'DELETE FROM dataverse._opportunity_p1'],
  ['was dropped', 'DROP TABLE dataverse._opportunity_p1'],
  ['was detached', 'ALTER TABLE dataverse.opportunity DETACH PARTITION dataverse._opportunity_p1'],
  [
    'was replaced',
    `ALTER TABLE dataverse.opportunity DETACH PARTITION dataverse._opportunity_p1; ALTER TABLE dataverse._opportunity_p1 RENAME TO old;
     CREATE TABLE dataverse._opportunity_p1 PARTITION OF dataverse.opportunity FOR VALUES WITH (MODULUS 3, REMAINDER 1)`,
  ],
  [
    'was made UNLOGGED and emptied by a crash',
    'ALTER TABLE dataverse._opportunity_p1 SET UNLOGGED; DELETE FROM dataverse._opportunity_p1',
  ],
])('a mirror table is loaded again after one of its partitions %s', async (_, damage) => {
  const { store, requests } = bench.emulator;
  const { database } = bench;
  store.seed('opportunity', 20);
  const options = { partitions: 3 };
  await sync('opportunity', options);
  // A row that comes into the emptied partition would hide that it is empty.
  const [{ changed } = { changed: '' }] = await database.query<{ changed: string }>(
    'SELECT opportunityid::text AS changed FROM dataverse._opportunity_p0 LIMIT 1',
  );
  await using session = await bench.session(['opportunity'], options);
  expect(failures(await session.sync())).toEqual({});
  await database.query(damage);
  store.update('opportunity', changed, { name: 'changed' });
  requests.clear();
  // A process that has prepared the table before, and a new one.
  expect(failures(await session.sync())).toEqual({});
  await sync('opportunity', options);
  expect(requests.count({ kind: 'baseline' })).toBe(1);
  expect(Object.keys(await partitions('opportunity'))).toHaveLength(3);
  expect(
    await database.query(
      `SELECT 1 FROM pg_class WHERE relname LIKE '\\_opportunity%' AND relpersistence = 'u'`,
    ),
  ).toEqual([]);
  await sync('opportunity', {});
  await database.query('DROP TABLE IF EXISTS dataverse.old, dataverse._opportunity_p1');
});

test('the history and the change log of a table go on through a move', async () => {
  const { store } = bench.emulator;
  const { database } = bench;
  const ids = store.seed('systemuser', 20);
  const kept = { history: {}, feed: 'marker' } as const;
  await sync('systemuser', kept);
  await database.query('DELETE FROM mirrorverse.changes');
  await sync('systemuser', { ...kept, partitions: 4 });
  expect(await database.query('SELECT operation FROM mirrorverse.changes')).toEqual([]);
  store.update('systemuser', ids[3] ?? '', { firstname: 'changed' });
  store.remove('systemuser', ids[4] ?? '');
  await sync('systemuser', { ...kept, partitions: 4 });
  expect(await database.query('SELECT operation FROM mirrorverse.changes ORDER BY 1')).toEqual([
    { operation: 'd' },
    { operation: 'u' },
  ]);
  expect(await historyDifferences(database, 'systemuser', true)).toEqual([]);
});

test('an elastic table has partitions by its id, and one id may be in several of its own partitions', async () => {
  const { store } = bench.emulator;
  const { database } = bench;
  store.addTable(telemetry);
  const id = store.insert('new_telemetry', { partitionid: 'a', new_name: 'one' });
  store.insert('new_telemetry', { partitionid: 'b', new_name: 'two' }, id);
  const mirrored = async (): Promise<unknown> =>
    database.query('SELECT partitionid AS p FROM dataverse.new_telemetry ORDER BY 1');
  expect(failures(await bench.sync(['new_telemetry']))).toEqual({});
  for (const [partitionid, options] of [
    ['c', { partitions: 3 }],
    ['d', { partitions: 3 }],
    ['e', {}],
  ] as const) {
    store.insert('new_telemetry', { partitionid, new_name: partitionid }, id);
    expect(failures(await bench.sync(['new_telemetry'], options))).toEqual({});
    expect(
      await database.query(`SELECT count(DISTINCT tableoid)::int AS places FROM dataverse.new_telemetry`),
    ).toEqual([{ places: 1 }]);
    expect(
      await database.query(
        `SELECT 1 FROM pg_class WHERE relname LIKE '\\_new_telemetry\\_p%' AND relkind = 'r' AND relreplident <> 'f'`,
      ),
    ).toEqual([]);
  }
  store.remove('new_telemetry', id, 'a');
  expect(failures(await bench.sync(['new_telemetry'], {}))).toEqual({});
  expect(await mirrored()).toEqual(['b', 'c', 'd', 'e'].map((p) => ({ p })));
});

test('the first run of a process takes no lease of a table with partitions that nobody has changed', async () => {
  const { store } = bench.emulator;
  store.seed('incident', 20);
  await sync('incident', { partitions: 3 });
  await watchLeases(bench.database);
  await sync('incident', { partitions: 3 });
  expect(await leaseEvents(bench.database)).toEqual({ idle: 1 });
});
