import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually, isWarning, logLines, loggedCodes } from '../support/command-line.ts';
import { allDifferences, isMirrored } from '../support/oracle.ts';
import { smallTable } from '../support/small-table.ts';
import { openBench, syncJson, type Bench } from '../support/bench.ts';

const names = (tables: readonly { readonly table: string }[]): string[] => tables.map(({ table }) => table);

/** Errors as `status` tells them, by table. */
async function errors({ cli }: Bench, tables: string): Promise<Record<string, string>> {
  const { document } = await cli.json(['status'], { MIRRORVERSE_TABLES: tables });
  const entries = (document as { tables: { table: string; error: { code: string } | null }[] }).tables;
  return Object.fromEntries(entries.flatMap(({ table, error }) => (error ? [[table, error.code]] : [])));
}

describe('patterns among the tables', () => {
  it('patterns bring the tables that are mirrored already where the environment does not say which tables it has', async () => {
    await using bench = await openBench(['t?sk']);
    const { emulator, cli } = bench;
    emulator.store.seed('task', 3);
    expect((await syncJson(cli, ['sync'])).status).toBe(0);
    emulator.faults.add({ match: { path: '/EntityDefinitions?' }, do: { status: 200, html: true } });
    emulator.store.seed('task', 2);
    const { status, tables } = await syncJson(cli, ['sync']);
    expect({ status, tables: names(tables) }).toEqual({ status: 0, tables: ['task'] });
    expect(await allDifferences(emulator.store, bench.database, ['task'])).toEqual([]);
  });

  it('a table whose definition is odd is left out of a pattern and listed with the reason', async () => {
    await using bench = await openBench(['t?sk', 'lead']);
    bench.emulator.faults.add({
      match: { path: '/EntityDefinitions?' },
      do: {
        transform: (json) => ({
          value: (json as { value: Record<string, unknown>[] }).value.map((item) =>
            item['LogicalName'] === 'task' ? { ...item, TableType: 7 } : item,
          ),
        }),
      },
    });
    const { document } = await bench.cli.json(['tables']);
    const listed = (document as { tables: { table: string; mirrored: boolean; excluded: string | null }[] })
      .tables;
    expect(listed.find(({ table }) => table === 'task')).toMatchObject({
      mirrored: false,
      excluded: expect.stringContaining('TableType') as string,
    });
    const { tables } = await syncJson(bench.cli, ['sync']);
    expect(names(tables)).toEqual(['lead']);
  });

  it('patterns bring all tables that fit and can be mirrored, without those left out', async () => {
    await using bench = await openBench(['team*', 't?sk', '!team', 'lead', 'nosuch_*']);
    for (const table of ['task', 'lead']) bench.emulator.store.seed(table, 3);
    const { status, stdout, stderr } = await bench.cli.run(['sync', '--json']);
    expect({ status, codes: loggedCodes(stderr) }).toEqual({ status: 0, codes: [] });
    const { tables } = JSON.parse(stdout) as { tables: { table: string }[] };
    expect(names(tables)).toEqual(['lead', 'task', 'teammembership']);
    expect(logLines(stderr).filter(isWarning)).toMatchObject([{ pattern: 'nosuch_*' }]);
    expect(await allDifferences(bench.emulator.store, bench.database, names(tables))).toEqual([]);
    expect(await errors(bench, 'team*,t?sk,!team,lead')).toEqual({});
  });

  it('patterns are narrowed by the arguments of a command, each of which must mean some table', async () => {
    await using bench = await openBench(['*', '!team']);
    const { tables } = await syncJson(bench.cli, ['sync', 'tas*', 'lead']);
    expect(names(tables)).toEqual(['lead', 'task']);
    const wrong = await bench.cli.run(['backfill', 'task', 'team', 'new_untracked', 'x*']);
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain('team (left out by !team)');
    expect(wrong.stderr).toContain('new_untracked (its change tracking is off');
    expect(wrong.stderr).toContain('x*');
  });

  it('a table of a pattern that is gone at the source keeps its rows and is reported once', async () => {
    await using bench = await openBench(['new_*', 'account']);
    const { emulator, cli, database } = bench;
    emulator.store.addTable(smallTable('new_Car'));
    emulator.store.seed('new_car', 5);
    expect((await cli.run(['sync'])).status).toBe(0);
    emulator.store.removeTable('new_car');
    const first = await cli.run(['sync']);
    expect({ status: first.status, codes: loggedCodes(first.stderr) }).toEqual({
      status: 0,
      codes: ['table-removed'],
    });
    const second = await cli.run(['sync']);
    expect({ status: second.status, codes: loggedCodes(second.stderr) }).toEqual({ status: 0, codes: [] });
    expect(await errors(bench, 'new_*,account')).toEqual({ new_car: 'table-removed' });
    expect(await database.query('SELECT FROM dataverse.new_car')).toHaveLength(5);

    // One that comes back under the name is another: what the old one left is swept out.
    emulator.store.addTable(smallTable('new_Car'));
    emulator.store.seed('new_car', 2);
    expect((await cli.run(['sync'])).status).toBe(0);
    expect(await allDifferences(emulator.store, database, ['new_car'])).toEqual([]);
    expect(await errors(bench, 'new_*,account')).toEqual({});
  });

  it('patterns follow the environment while the daemon runs', async () => {
    await using bench = await openBench(['new_*', 'account'], { MIRRORVERSE_SCHEDULE: '* * * * * *' });
    const { emulator, cli, database } = bench;
    emulator.store.seed('account', 3);
    const daemon = cli.start(['run']);
    const equal = async (tables: readonly string[]): Promise<boolean> =>
      isMirrored(emulator.store, database, tables);
    await eventually(async () => equal(['account']));
    emulator.store.addTable(smallTable('new_Car'));
    emulator.store.seed('new_car', 5);
    await eventually(async () => equal(['new_car', 'account']));
    emulator.store.removeTable('new_car');
    const told = await daemon.logged(({ code }) => code === 'table-removed');
    expect(told).toMatchObject({ table: 'new_car', level: 'warn' });
    emulator.store.insert('account', { name: 'still mirrored' });
    await eventually(async () => equal(['account']));
    expect(await errors(bench, 'new_*,account')).toEqual({ new_car: 'table-removed' });
    expect((await daemon.stop('SIGTERM')).status).toBe(0);
    expect(await database.query('SELECT FROM dataverse.new_car')).toHaveLength(5);
  });

  it('check says how many tables the patterns mean, and which patterns mean none', async () => {
    await using bench = await openBench(['t*', '!team', 'nosuch_*', 'Opprtun*']);
    const { status, document } = await bench.cli.json(['check']);
    expect(status).toBe(1);
    const { findings } = document as {
      findings: { id: string; ok: boolean; message: string; remedy: string | null }[];
    };
    const told = findings.filter(({ id }) => id.startsWith('tables'));
    expect(told.map(({ id, ok, message }) => [id, ok, message])).toEqual([
      ['tables', true, 'names and patterns mean 3 tables, and leave out 1: see `mirrorverse tables`'],
      ['tables.nosuch_*', false, 'the pattern nosuch_* fits no table of the environment'],
      ['tables.Opprtun*', false, 'the pattern Opprtun* fits no table of the environment'],
    ]);
    expect(told[1]?.remedy).toMatch(/^Correct the pattern/);
    expect(told[2]?.remedy).toMatch(/^Did you mean opportu\w*\*\?/);
    const checked = findings.filter(({ id }) => /^table\.\w+$/.test(id)).map(({ id }) => id);
    expect(checked).toEqual(['table.task', 'table.teammembership', 'table.transactioncurrency']);
  });
});

describe('an environment of a thousand tables', () => {
  const PEAK_MEMORY = join(import.meta.dirname, '..', 'support', 'write-peak-memory.ts');
  /** KiB that a thousand tables may add to what the command takes without them: 32 MiB. */
  const MOST_ADDED = 32 * 1024;

  async function listed({ cli }: Bench): Promise<{ readonly document: unknown; readonly peak: number }> {
    const memoryFile = join(cli.directory, 'peak-memory');
    const { status, document } = await cli.json(['tables'], {
      NODE_OPTIONS: `--import ${PEAK_MEMORY}`,
      PEAK_MEMORY_FILE: memoryFile,
    });
    expect(status).toBe(0);
    return { document, peak: Number(await readFile(memoryFile, 'utf8')) };
  }

  it('an environment of a thousand tables is listed and resolved with few requests and little memory', async () => {
    await using bench = await openBench(['*', '!new_many_9*']);
    const { emulator, cli } = bench;
    const { peak: floor } = await listed(bench);
    expect(floor).toBeGreaterThan(0);
    emulator.requests.clear();
    for (let at = 0; at < 1_000; at++) {
      const changeTrackingEnabled = at % 2 === 0;
      emulator.store.addTable(smallTable(`new_Many_${at}`, { changeTrackingEnabled }));
    }
    const { document, peak } = await listed(bench);
    const { tables } = document as {
      tables: { table: string; mirrored: boolean; mode: string | null; excluded: string | null }[];
    };
    const many = tables.filter(({ table }) => table.startsWith('new_many_'));
    expect(many).toHaveLength(1_000);
    const count = (isMeant: (entry: (typeof many)[number]) => boolean): number => many.filter(isMeant).length;
    // Of new_many_0 to 999, 111 begin with a nine: 9, 90 to 99, 900 to 999.
    expect(count(({ excluded }) => excluded === 'left out by !new_many_9*')).toBe(111);
    expect(count(({ mirrored, mode, excluded }) => mirrored && mode === 'changes' && !excluded)).toBe(445);
    expect(count(({ excluded }) => excluded?.startsWith('its change tracking is off') === true)).toBe(444);
    // Definitions and relationships; the other requests count rows, of many tables each.
    expect(emulator.requests.find({}).filter(({ kind }) => kind !== 'record-count')).toHaveLength(2);
    expect(peak - floor).toBeLessThan(MOST_ADDED);

    emulator.requests.clear();
    const { tables: synced } = await syncJson(cli, ['sync', 'new_many_4']);
    expect(names(synced)).toEqual(['new_many_4']);
    expect(emulator.requests.find({}).filter(({ table }) => table?.startsWith('new_many_5'))).toEqual([]);
  });
});
