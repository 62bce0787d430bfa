import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBench, type Bench } from '../support/bench.ts';
import { queryOnce } from '../support/cluster-support.ts';
import { freshRole } from '../support/database.ts';
import { blocksOf, commandsOf } from '../support/page-blocks.ts';

/** A row that only the old copy has. */
const GONE = '0e0a1c2d-3b4c-4d5e-8f60-718293a4b5c6';

/** What a page's comparison tells of a row: its version in the old copy and in the mirror. */
interface Difference {
  readonly accountid: string;
  readonly old: string | null;
  readonly new: string | null;
}

describe('the pages about moving', () => {
  let bench: Bench;
  let ids: readonly string[];
  beforeAll(async () => {
    bench = await openBench([]);
    const { store } = bench.emulator;
    store.seed('systemuser', 2);
    store.seed('contact', 2);
    ids = store.seed('account', 5);
  }, 60_000);
  afterAll(async () => bench[Symbol.asyncDispose]());

  /** Runs a page's configuration and commands as the page has them. */
  async function follow(page: string): Promise<void> {
    const { cli } = bench;
    const [configuration = ''] = blocksOf(page, 'yaml');
    await cli.file('mirrorverse.yaml', configuration);
    const ended = [];
    for (const command of commandsOf(page)) {
      const { status, stderr } = await cli.run(command);
      ended.push({ command, status, stderr: status === 0 ? '' : stderr });
    }
    expect(ended.map(({ command: [name] }) => name)).toEqual(['sync', 'verify']);
    expect(ended.filter(({ status }) => status !== 0)).toEqual([]);
  }

  /** Makes the old copy differ: an older version of the first row, none of the second, and a row that is gone. */
  async function spoil(copy: string, key: string): Promise<void> {
    const { database } = bench;
    await database.query(`UPDATE ${copy} SET versionnumber = versionnumber - 1 WHERE ${key} = $1`, [ids[0]]);
    await database.query(`DELETE FROM ${copy} WHERE ${key} = $1`, [ids[1]]);
    await database.query(`INSERT INTO ${copy} (${key}, versionnumber) VALUES ($1, 7)`, [GONE]);
  }

  function expectFound(rows: readonly unknown[]): void {
    const found = (rows as Difference[]).map(({ accountid, old, new: mirrored }) => ({
      accountid,
      isOlder: old !== null && mirrored !== null && BigInt(old) < BigInt(mirrored),
      isOld: old !== null,
      isNew: mirrored !== null,
    }));
    const wanted = [
      { accountid: ids[0], isOlder: true, isOld: true, isNew: true },
      { accountid: ids[1], isOlder: false, isOld: false, isNew: true },
      { accountid: GONE, isOlder: false, isOld: true, isNew: false },
    ];
    expect(found).toEqual(expect.arrayContaining(wanted));
    expect(found).toHaveLength(wanted.length);
  }

  it('docs/from-fivetran.md leads from a copy of Fivetran to views that a reader of its own reads', async () => {
    const { database } = bench;
    await follow('from-fivetran.md');
    await using reader = await freshRole(database);
    const [current] = await database.query<{ name: string }>('SELECT current_database() AS name');
    await database.query(`GRANT CONNECT ON DATABASE "${current?.name}" TO ${reader.name}`);
    await database.query('CREATE SCHEMA fivetran_crm');
    await database.query(
      `CREATE TABLE fivetran_crm.account AS
         SELECT accountid, name, parentaccountid AS _parentaccountid_value, versionnumber, _mirrored_at AS _fivetran_synced,
                false AS _fivetran_deleted FROM dataverse.account`,
    );
    await database.query('ALTER TABLE fivetran_crm.account ALTER _fivetran_deleted SET DEFAULT false');
    await spoil('fivetran_crm.account', 'accountid');
    const [grants = '', compare = '', columns = '', freshness = '', ...more] = blocksOf(
      'from-fivetran.md',
      'sql',
    );
    expect(more).toEqual([]);
    await database.query(
      grants.replaceAll('TO dbt', `TO ${reader.name}`).replace('ROLE mirror', 'ROLE CURRENT_USER'),
    );
    expectFound(await queryOnce(database.url, compare));
    expect(await database.query(columns)).toEqual([{ column_name: '_parentaccountid_value' }]);
    expect(await queryOnce(reader.url, freshness)).toHaveLength(1);
    const seen = `SELECT count(*)::int AS rows FROM dynamics_365.account JOIN dynamics_365.stringmap s ON s.objecttypecode = 'account'`;
    expect(await queryOnce(reader.url, seen)).not.toEqual([{ rows: 0 }]);
  });

  it("a view in Fivetran's shape goes with its forgotten table, and is no obstacle", async () => {
    const { cli, database } = bench;
    await cli.file(
      'mirrorverse.yaml',
      'compatibility: { fivetran: dynamics_365 }\ntables: [account, systemuser]\n',
    );
    expect((await cli.run(['forget', 'contact', '--drop'])).status).toBe(0);
    expect(
      await database.query(
        `SELECT viewname AS name FROM pg_views WHERE schemaname = 'dynamics_365' ORDER BY 1`,
      ),
    ).toEqual([{ name: 'account' }, { name: 'stringmap' }, { name: 'systemuser' }]);
    expect(await database.query(`SELECT FROM dataverse._views WHERE view_name = 'contact'`)).toEqual([]);
  });

  /** A copy as Synapse Link and Data Export Service write it: ids under another name, and times of their own. */
  async function oldCopy(name: string): Promise<void> {
    await bench.database.query(
      `CREATE TABLE dbo.${name} AS
         SELECT accountid AS Id, _mirrored_at AS SinkCreatedOn, _mirrored_at AS SinkModifiedOn, accountid,
                NULL::boolean AS IsDelete, versionnumber FROM dataverse.account WHERE _deleted_at IS NULL`,
    );
  }

  /** What a page compares: it exports the old copy, imports the file, and asks what differs. */
  async function compared(select: string, create: string, compare: string): Promise<unknown[]> {
    const { database } = bench;
    const exported = await database.query<{ id: string; versionnumber: string }>(select);
    await database.query(create);
    await database.query('INSERT INTO old_account SELECT * FROM unnest($1::uuid[], $2::bigint[])', [
      exported.map(({ id }) => id),
      exported.map(({ versionnumber }) => versionnumber),
    ]);
    const rows = await database.query(compare);
    await database.query('DROP TABLE old_account');
    return rows;
  }

  it('docs/from-synapse-link.md has SQL that finds what an old copy lacks, and queries of the old shape', async () => {
    const { database } = bench;
    await follow('from-synapse-link.md');
    const [select = '', versions = '', create = '', compare = '', ...queries] = blocksOf(
      'from-synapse-link.md',
      'sql',
    );
    await oldCopy('account');
    await database.query(
      `CREATE TABLE dbo.account_partitioned AS
         SELECT Id, SinkModifiedOn, IsDelete, versionnumber - 1 AS versionnumber FROM dbo.account
         UNION ALL SELECT Id, SinkModifiedOn, IsDelete, versionnumber FROM dbo.account`,
    );
    const deleted = '7e0a1c2d-3b4c-4d5e-8f60-718293a4b5c6';
    await database.query(
      `INSERT INTO dbo.account_partitioned (Id, versionnumber, IsDelete) VALUES ('${deleted}', 5, NULL), ('${deleted}', 6, true),
         ('${GONE}', 7, false)`,
    );
    await database.query(
      'DELETE FROM dbo.account_partitioned p USING dbo.account a WHERE p.Id = $1 AND a.Id = p.Id AND p.versionnumber = a.versionnumber',
      [ids[0]],
    );
    await database.query('DELETE FROM dbo.account_partitioned WHERE Id = $1', [ids[1]]);
    await spoil('dbo.account', 'Id');
    expectFound(await compared(select, create, compare));
    expectFound(await compared(versions, create, compare));
    // The old copy was in another database.
    await database.query('DROP TABLE dbo.account, dbo.account_partitioned');
    const [labels = '', changed = '', view = '', ...more] = queries;
    expect(more).toEqual([]);
    const rows = await database.query<{ industry: string | null }>(labels);
    expect(rows).toHaveLength(5);
    expect(rows.some(({ industry }) => industry !== null)).toBe(true);
    await database.query(changed);
    await database.query(view);
    const old = `SELECT FROM dbo.account WHERE Id = accountid AND SinkModifiedOn IS NOT NULL AND NOT IsDelete`;
    expect(await database.query(old)).toHaveLength(5);
    await database.query('DROP VIEW dbo.account');
  });

  it('docs/from-data-export-service.md has SQL that finds what an old copy lacks, and views of the old shape', async () => {
    const { database, emulator } = bench;
    emulator.store.remove('account', ids[4] ?? '');
    await follow('from-data-export-service.md');
    const [select = '', create = '', compare = '', ...queries] = blocksOf(
      'from-data-export-service.md',
      'sql',
    );
    await oldCopy('crm_account');
    await spoil('dbo.crm_account', 'Id');
    expectFound(await compared(select, create, compare));
    await database.query('DROP TABLE dbo.crm_account');
    const [labels = '', view = '', log = '', ...more] = queries;
    expect(more).toEqual([]);
    const rows = await database.query<{ status: string | null }>(labels);
    expect(rows).toHaveLength(4);
    expect(rows.every(({ status }) => status !== null)).toBe(true);
    await database.query(view);
    expect(await database.query('SELECT FROM dbo.crm_account WHERE Id = accountid')).toHaveLength(4);
    await database.query(log);
    expect(
      await database.query(
        `SELECT RecordId AS id FROM dbo.crm_DeleteLog WHERE EntityName = 'account' AND VersionNumber > 0`,
      ),
    ).toEqual([{ id: ids[4] }]);
  });
});
