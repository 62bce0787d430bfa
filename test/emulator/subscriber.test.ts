import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { column } from '../../src/emulator/table-parts/column-kinds.ts';
import { telemetry } from '../../src/emulator/tables/telemetry.ts';
import { openMirrorDatabase } from '../../src/mirror/database.ts';
import { publishMirror, type MirrorPublication } from '../../src/operations/downstream/publish-mirror.ts';
import { mirrorOptions } from '../support/mirror.ts';
import { smallTable } from '../support/small-table.ts';
import { openReplication, type Replication } from '../support/subscriber.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';
import type { RunOptions } from '../../src/sync/run/table-job.ts';

const ELASTIC = 'new_telemetry';
const ID = '5b1f9a2e-0c1d-4e3f-8a4b-1c2d3e4f5a6b';
const FAX = column('String', 'new_Fax', ['Fax', 'Fax'], { maxLength: 50, format: 'Text' });

describe('a second PostgreSQL that subscribes to the publication', () => {
  let bench: SyncBench;
  let replication: Replication;
  beforeAll(async () => {
    const opened = await Promise.all([SyncBench.open({}, 'administrator'), openReplication()]);
    [bench, replication] = opened;
    bench.emulator.store.addTable(telemetry);
    bench.emulator.store.seed('account', 40);
    for (const partitionid of ['a', 'b', null]) {
      bench.emulator.store.insert(ELASTIC, { partitionid, new_name: `in ${partitionid}` }, ID);
    }
  }, 60_000);
  afterAll(async () => {
    await replication[Symbol.asyncDispose]();
    await bench[Symbol.asyncDispose]();
  });

  const sync = async (
    tables: readonly string[],
    more: SyncOptions = {},
    run: RunOptions = {},
  ): Promise<void> =>
    expect(failures(await bench.sync(tables, { databaseUrl: replication.url, ...more }, run))).toEqual({});

  const publish = async (...names: string[]): Promise<MirrorPublication> => {
    const database = openMirrorDatabase(mirrorOptions(replication.url), pino({ level: 'silent' }));
    const choice = { entries: names.map((name) => ({ name, mode: 'changes' as const })), leftOut: [] };
    try {
      return await publishMirror(database, choice, 'mirrorverse', null);
    } finally {
      await database.close();
    }
  };

  const published = async (): Promise<string[]> =>
    (
      await replication.publisher.query<{ name: string }>(
        `SELECT schemaname || '.' || tablename AS name FROM pg_publication_tables WHERE pubname = 'mirrorverse' ORDER BY 1`,
      )
    ).map(({ name }) => name);

  /** PostgreSQL's number of the file of a table. TRUNCATE gives a table another one. */
  const file = async (): Promise<unknown> =>
    (await replication.publisher.query(`SELECT pg_relation_filenode('dataverse.account') AS file`))[0];

  it('the subscriber has the same rows as the mirror after the first copy', async () => {
    await sync(['account', ELASTIC]);
    expect(await publish('account', ELASTIC)).toMatchObject({
      created: true,
      walLevel: 'logical',
      tables: [
        { table: 'account', change: 'added', replicaIdentity: 'default', identityChanged: false },
        { table: ELASTIC, change: 'added', replicaIdentity: 'full', identityChanged: false },
      ],
    });
    for (const table of ['account', ELASTIC]) await replication.copyTable(table);
    await replication.subscriber.query(
      `CREATE SUBSCRIPTION crm CONNECTION '${replication.url}' PUBLICATION mirrorverse`,
    );
    expect(await replication.equalRows('account')).toBe(40);
    expect(await replication.equalRows(ELASTIC)).toBe(3);
  });

  it('the subscriber follows changes, deletes, and a row that goes to another partition', async () => {
    const { store } = bench.emulator;
    const [first, second] = [...store.rows('account')].map(({ id }) => id);
    store.update('account', first ?? '', { name: 'another name' });
    store.remove('account', second ?? '');
    store.seed('account', 5);
    store.update(ELASTIC, ID, { new_name: 'changed' }, null);
    store.remove(ELASTIC, ID, 'a');
    store.insert(ELASTIC, { partitionid: 'c', new_name: 'in another partition' }, ID);
    await sync(['account', ELASTIC]);
    expect(await replication.equalRows('account')).toBe(44);
    expect(await replication.equalRows(ELASTIC)).toBe(3);
  });

  it('the subscriber equals the mirror after a column came, once it has the column too', async () => {
    const { store } = bench.emulator;
    store.addColumn('account', FAX);
    for (const { id } of store.rows('account')) store.recalculate('account', id, { new_fax: `fax ${id}` });
    await sync(['account']);
    await replication.subscriber.query('ALTER TABLE dataverse.account ADD COLUMN new_fax text');
    expect(await replication.equalRows('account')).toBe(44);
    expect(await replication.subscriber.query('SELECT FROM dataverse.account WHERE new_fax IS NULL')).toEqual(
      [],
    );
  });

  it('the subscriber equals the mirror after a re-baseline and its sweep, and TRUNCATE empties no mirror table', async () => {
    const { store } = bench.emulator;
    const before = await file();
    for (const { id } of [...store.rows('account')].slice(0, 4)) store.remove('account', id);
    store.update('account', [...store.rows('account')][0]?.id ?? '', { name: 'seen by the re-baseline' });
    await sync(['account', ELASTIC], { pageSize: 20 }, { restart: true });
    expect(await replication.equalRows('account')).toBe(40);
    expect(await replication.equalRows(ELASTIC)).toBe(3);
    expect(await file()).toEqual(before);
  });

  it('the subscriber has the marks of rows that were deleted softly', async () => {
    const { store } = bench.emulator;
    await replication.subscriber.query('ALTER TABLE dataverse.account ADD COLUMN _deleted_at timestamptz');
    await sync(['account'], { softDeletes: true });
    store.remove('account', [...store.rows('account')][0]?.id ?? '');
    await sync(['account'], { softDeletes: true });
    expect(await replication.equalRows('account')).toBe(40);
    const marked = 'SELECT FROM dataverse.account WHERE _deleted_at IS NOT NULL';
    expect(await replication.subscriber.query(marked)).toHaveLength(1);
  });

  it('a new mirror table joins the publication by itself, and so does one that was made anew', async () => {
    const { publisher, subscriber } = replication;
    bench.emulator.store.seed('contact', 10);
    await sync(['contact']);
    expect(await published()).toEqual(['dataverse.account', 'dataverse.contact', `dataverse.${ELASTIC}`]);
    await replication.copyTable('contact');
    await subscriber.query('ALTER SUBSCRIPTION crm REFRESH PUBLICATION');
    expect(await replication.equalRows('contact')).toBe(10);

    await publisher.query('DROP TABLE dataverse.contact');
    expect(await published()).toEqual(['dataverse.account', `dataverse.${ELASTIC}`]);
    await subscriber.query('TRUNCATE dataverse.contact');
    bench.emulator.store.seed('contact', 2);
    await sync(['contact']);
    expect(await published()).toEqual(['dataverse.account', 'dataverse.contact', `dataverse.${ELASTIC}`]);
    expect(await replication.equalRows('contact')).toBe(12);
  });

  it('tables that are made at the same time all join, while the command runs too', async () => {
    const names = Array.from({ length: 16 }, (_, at) => `new_many${at}`);
    for (const name of names) bench.emulator.store.addTable(smallTable(name));
    const calling = async (): Promise<void> => {
      for (let call = 0; call < 6; call += 1) await publish('account', 'contact', ELASTIC, ...names);
    };
    await Promise.all([sync(names), calling()]);
    expect((await published()).filter((name) => name.includes('new_many'))).toHaveLength(names.length);
    await publish('account', 'contact', ELASTIC);
    expect((await published()).filter((name) => name.includes('new_many'))).toEqual([]);
  });

  it('a table leaves the publication with the configuration, and tables of others and labels stay', async () => {
    const { publisher } = replication;
    await publisher.query('CREATE TABLE public.note (id int PRIMARY KEY)');
    await publisher.query('ALTER PUBLICATION mirrorverse ADD TABLE public.note, dataverse._loads');
    const changes = (await publish('account', ELASTIC)).tables.map(({ table, change }) => [table, change]);
    expect(changes).toEqual([
      ['account', 'kept'],
      ['contact', 'removed'],
      [ELASTIC, 'kept'],
    ]);
    expect(await published()).toEqual([
      'dataverse._loads',
      'dataverse.account',
      `dataverse.${ELASTIC}`,
      'public.note',
    ]);
  });
});

describe('a publication of all tables', () => {
  it('every table that mirrorverse makes has a replica identity, while it works too', async () => {
    await using bench = await SyncBench.open({}, 'administrator');
    const { store } = bench.emulator;
    store.addTable(telemetry);
    store.seed('account', 20);
    store.insert('account', { name: 'a\0b' });
    store.insert(ELASTIC, { partitionid: 'a', new_name: 'one' }, ID);
    const { database } = bench;
    await database.query('CREATE PUBLICATION everything FOR ALL TABLES');
    const options = { labels: { viewSchema: 'dataverse_labeled', synapseLink: 'dbo' } };
    await using session = await bench.session(['account', ELASTIC], options);
    expect(failures(await session.sync())).toEqual({});
    expect(failures(await session.sync({ restart: true }))).toEqual({});
    const [first, second] = [...store.rows('account')].map(({ id }) => id);
    store.remove('account', first ?? '');
    await database.query(`UPDATE dataverse.account SET name = 'by hand' WHERE accountid = '${second}'`);
    await database.query(`DELETE FROM dataverse."${ELASTIC}"`);
    for (const table of ['account', ELASTIC]) {
      for (const method of ['values', 'sweep'] as const) {
        await session.verify(table, method);
        await session.repair(table);
      }
    }
    expect((await session.verify('account', 'values')).rows).toBe(20);
    await database.query(`SELECT mirrorverse.pause('account'), mirrorverse.resume('account')`);
    await database.query('DELETE FROM mirrorverse.quarantine');
    const withoutIdentity = await database.query<{ name: string }>(
      `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
          AND c.relreplident IN ('d', 'n')
          AND (c.relreplident = 'n' OR NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary))`,
    );
    expect(withoutIdentity).toEqual([]);
  });
});
