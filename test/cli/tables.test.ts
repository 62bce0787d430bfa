import { describe, expect, it } from 'vitest';
import { openBench } from '../support/bench.ts';

/** The entries that `tables --json` prints. */
function tablesOf(document: unknown): readonly Record<string, unknown>[] {
  return (document as { tables: Record<string, unknown>[] }).tables;
}

describe('tables', () => {
  it('tables lists every table of the environment without a database', async () => {
    await using bench = await openBench(['account', 'task'], { DATABASE_URL: '' });
    const { emulator, cli } = bench;
    emulator.store.seed('account', 9);
    emulator.store.seed('contact', 3);
    const { status, document } = await cli.json(['tables']);
    expect(status).toBe(0);

    const reason = expect.stringMatching(
      /^not configured(, and it(s change tracking is off| is a virtual table| joins).*)?$/,
    ) as string;
    const expected = [...emulator.store.tables.values()]
      .map((table) => ({
        table: table.logicalName,
        entitySet: table.entitySetName,
        kind: table.tableType.toLowerCase(),
        changeTracking: table.changeTrackingEnabled,
        mirrored: ['account', 'task'].includes(table.logicalName),
        mode: ['account', 'task'].includes(table.logicalName) ? 'changes' : null,
        excluded: null,
        whyNot: ['account', 'task'].includes(table.logicalName) ? null : reason,
        rows: table.tableType === 'Virtual' ? null : emulator.store.data(table.logicalName).rows.size,
      }))
      .toSorted((a, b) => (a.table < b.table ? -1 : 1));
    expect(tablesOf(document)).toEqual(expected);
    expect(tablesOf(document)).toContainEqual({
      table: 'account',
      entitySet: 'accounts',
      kind: 'standard',
      changeTracking: true,
      mirrored: true,
      mode: 'changes',
      excluded: null,
      whyNot: null,
      rows: 9,
    });
  });

  it('tables needs no configured table and prints a line for each table where a person reads', async () => {
    await using bench = await openBench([], { DATABASE_URL: '' });
    const { status, stdout } = await bench.cli.run(['tables']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^contact +contacts +on +not configured +0$/m);
    expect(stdout).toMatch(
      /^new_untracked +new_untrackedes +off +0\n {2}not configured, and its change tracking is off; `mirrorverse track/m,
    );
  });

  it('tables says in which mode a table is mirrored, and why a table that a pattern fits is not', async () => {
    await using bench = await openBench([], { DATABASE_URL: '', MIRRORVERSE_TABLES: '' });
    const entries = ['aaduser', '{ name: "*", mode: snapshot }', 'new_*', '"!lead"'];
    await bench.cli.file('mirrorverse.yaml', `tables:\n${entries.map((each) => `  - ${each}\n`).join('')}`);
    const { document } = await bench.cli.json(['tables']);
    const told = tablesOf(document).map(({ table, mode, excluded }) => [table, mode, excluded]);
    expect(told).toEqual(
      expect.arrayContaining([
        ['aaduser', 'changes', null],
        ['account', 'snapshot', null],
        ['lead', null, 'left out by !lead'],
        ['new_untracked', null, 'its change tracking is off; `mirrorverse track new_untracked` turns it on'],
      ]),
    );
    const { stdout } = await bench.cli.run(['tables']);
    expect(stdout).toMatch(/^account +accounts +on +snapshot +0$/m);
    expect(stdout).toMatch(/^lead +leads +on +0\n {2}left out by !lead$/m);
  });

  it('tables leaves the counts out where the environment does not give them', async () => {
    await using bench = await openBench([], { DATABASE_URL: '' });
    const { emulator, cli } = bench;
    emulator.faults.add({ match: { kind: 'record-count' }, do: { status: 400, code: '0x80040224' } });
    const { status, document } = await cli.json(['tables']);
    expect(status).toBe(0);
    expect(tablesOf(document)).toHaveLength(emulator.store.tables.size);
    expect(new Set(tablesOf(document).map((table) => table['rows']))).toEqual(new Set([null]));
  });
});
