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
});
