import { describe, expect, it } from 'vitest';
import { telemetry } from '../../src/emulator/tables/telemetry.ts';
import type { MirrorPublication } from '../../src/operations/downstream/publish-mirror.ts';
import { openBench, type Bench } from '../support/bench.ts';
import { freshRole } from '../support/database.ts';
import { logLines } from '../support/command-line.ts';

const ELASTIC = 'new_telemetry';

async function published(bench: Bench, name: string): Promise<string[]> {
  const rows = await bench.database.query<{ tablename: string }>(
    'SELECT tablename FROM pg_publication_tables WHERE pubname = $1 ORDER BY 1',
    [name],
  );
  return rows.map(({ tablename }) => tablename);
}

/** What the remedy of a failed command lets an administrator run. */
function statementsOf(stderr: string): string {
  return String(logLines(stderr).at(-1)?.['remedy']).replace('Run as an administrator: ', '');
}

describe('publication', () => {
  it('publication says what it did, warns of a server that lets nobody subscribe, and does nothing twice', async () => {
    await using bench = await openBench(['account', 'contact'], {}, 'administrator');
    const { cli, database } = bench;
    await cli.run(['sync', 'account']);

    const first = await cli.run(['publication']);
    expect(first.status).toBe(0);
    expect(first.stdout.split('\n')).toEqual([
      'Publication mirrorverse is made and has 1 table of schema dataverse.',
      'Left out: contact, because it has no mirror table yet; it joins when it gets one.',
      '',
    ]);
    const [wal] = await database.query<{ wal_level: string }>('SHOW wal_level');
    const warned = logLines(first.stderr).map((line) => line['walLevel']);
    expect(warned).toEqual(wal?.wal_level === 'logical' ? [] : [wal?.wal_level]);

    await cli.run(['sync']);
    expect(await published(bench, 'mirrorverse')).toEqual(['account', 'contact']);
    const again = await cli.json(['publication']);
    const kept = { change: 'kept', replicaIdentity: 'default', identityChanged: false } as const;
    expect(again.document).toEqual({
      publication: 'mirrorverse',
      for: null,
      created: false,
      walLevel: wal?.wal_level ?? '',
      tables: [
        { table: 'account', mirrorTable: 'account', ...kept },
        { table: 'contact', mirrorTable: 'contact', ...kept },
      ],
      leftOut: [],
    } satisfies MirrorPublication);
    const less = await cli.run(['publication'], { MIRRORVERSE_TABLES: 'account' });
    expect(less.stdout).toBe('Publication mirrorverse has 1 table of schema dataverse.\nRemoved: contact\n');
    await database.query('DROP PUBLICATION mirrorverse');
    await cli.run(['backfill', 'contact', '--restart']);
    expect(await published(bench, 'mirrorverse')).toEqual([]);
  });

  it('--for gives each reader the name, the tables and the replica identity that it wants, also for tables to come', async () => {
    await using bench = await openBench(['account', ELASTIC], {}, 'administrator');
    const { cli, database, emulator } = bench;
    emulator.store.addTable(telemetry);
    await cli.run(['sync']);
    const identities = async (): Promise<unknown> =>
      database.query(
        `SELECT relname AS table, relreplident AS identity FROM pg_class
          WHERE relnamespace = 'dataverse'::regnamespace AND relname IN ('account', 'contact', '${ELASTIC}') ORDER BY 1`,
      );
    expect((await cli.run(['publication', '--for', 'powersync'])).status).toBe(0);
    expect(await published(bench, 'powersync')).toEqual(['account', ELASTIC]);
    expect(await identities()).toEqual([
      { table: 'account', identity: 'd' },
      { table: ELASTIC, identity: 'f' },
    ]);

    const zero = await cli.run(['publication', '--for', 'zero']);
    expect(zero.stdout).toContain(`Left out: ${ELASTIC}`);
    expect(await published(bench, 'zero_data')).toEqual(['account']);

    const electric = await cli.run(['publication', '--for', 'electric']);
    expect(electric.stdout).toContain('Their replica identity is FULL now: account\n');
    await cli.run(['sync'], { MIRRORVERSE_TABLES: 'contact' });
    expect(await published(bench, 'electric_publication_default')).toEqual(['account', 'contact', ELASTIC]);
    expect(await published(bench, 'zero_data')).toEqual(['account', 'contact']);
    expect(await identities()).toEqual([
      { table: 'account', identity: 'f' },
      { table: 'contact', identity: 'f' },
      { table: ELASTIC, identity: 'f' },
    ]);
  });

  it('publication refuses a wrong option, and a publication of more tables than it may have', async () => {
    await using bench = await openBench(['account'], {}, 'administrator');
    const { cli, database } = bench;
    expect((await cli.run(['publication', '--for', 'powersync', '--name', 'other'])).status).toBe(2);
    await cli.run(['sync']);
    await database.query('CREATE PUBLICATION powersync FOR ALL TABLES');
    const all = await cli.run(['publication', '--for', 'powersync']);
    expect(all.status).toBe(1);
    expect(all.stderr).toContain('DROP PUBLICATION');
    await database.query('CREATE PUBLICATION mirrorverse FOR TABLES IN SCHEMA dataverse');
    const inSchema = await cli.run(['publication']);
    expect(inSchema.status).toBe(1);
    const [statement = ''] = /ALTER PUBLICATION [^;]+;/.exec(inSchema.stderr.replaceAll('\\"', '"')) ?? [];
    await database.query(statement);
    expect((await cli.run(['publication'])).status).toBe(0);
    expect(await published(bench, 'mirrorverse')).toEqual(['account']);

    const identity = async (): Promise<unknown> => {
      const { document } = await cli.json(['publication']);
      const [{ replicaIdentity, identityChanged } = {}] =
        (document as Partial<MirrorPublication>).tables ?? [];
      return [replicaIdentity, identityChanged];
    };
    await database.query('ALTER TABLE dataverse.account REPLICA IDENTITY USING INDEX account_pkey');
    expect(await identity()).toEqual(['index', false]);
    await database.query('ALTER TABLE dataverse.account REPLICA IDENTITY NOTHING');
    expect(await identity()).toEqual(['default', true]);
  });

  it('publication names the statements for a role that lacks a right, and a publication of somebody else stops no table', async () => {
    await using bench = await openBench(['account'], {}, 'least');
    const { cli, database } = bench;
    await cli.run(['sync']);
    const without = await cli.run(['publication']);
    expect(without.status).toBe(1);
    expect(statementsOf(without.stderr)).toMatch(/^GRANT CREATE ON DATABASE \S+ TO \S+;$/);
    await database.query(statementsOf(without.stderr));
    expect((await cli.run(['publication'])).status).toBe(0);

    await using owner = await freshRole(database);
    await database.query(`ALTER PUBLICATION mirrorverse OWNER TO ${owner.name}`);
    const both = { MIRRORVERSE_TABLES: 'account,contact' };
    const synced = await cli.run(['sync'], both);
    expect(synced.status).toBe(0);
    const statement = 'ALTER PUBLICATION "mirrorverse" ADD TABLE "dataverse"."contact";';
    expect(logLines(synced.stderr)).toContainEqual(expect.objectContaining({ statements: [statement] }));
    const refused = await cli.run(['publication'], both);
    expect(refused.status).toBe(1);
    expect(statementsOf(refused.stderr)).toMatch(new RegExp(`^GRANT ${owner.name} TO \\S+;$`));
    await database.query(statementsOf(refused.stderr));
    expect((await cli.run(['publication'], both)).status).toBe(0);
    expect(await published(bench, 'mirrorverse')).toEqual(['account', 'contact']);
  });
});
