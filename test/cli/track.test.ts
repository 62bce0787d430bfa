import { describe, expect, it } from 'vitest';
import { loggedCodes } from '../support/command-line.ts';
import { openBench, type Bench } from '../support/bench.ts';

interface TrackEntry {
  readonly table: string;
  readonly outcome: string;
  readonly error: { readonly code: string; readonly message: string; readonly remedy: string } | null;
}

async function track(
  { cli }: Bench,
  words: readonly string[],
): Promise<{ readonly status: number | null; readonly tables: readonly TrackEntry[] }> {
  const { status, document } = await cli.json(['track', ...words]);
  return { status, tables: (document as { tables: TrackEntry[] }).tables };
}

const writes = ({ emulator }: Bench): string[] =>
  emulator.requests
    .find({})
    .filter(({ method }) => method === 'PUT' || method === 'POST')
    .map(({ method, status }) => `${method} ${status}`);

const open = async (): Promise<Bench> => openBench([], { DATABASE_URL: '' });

describe('track', () => {
  it('track turns change tracking on, after which the table can be mirrored', async () => {
    await using bench = await openBench(['new_untracked']);
    bench.emulator.store.seed('new_untracked', 4);
    expect((await bench.cli.run(['sync'])).status).toBe(1);
    expect(await track(bench, ['new_untracked'])).toEqual({
      status: 0,
      tables: [{ table: 'new_untracked', outcome: 'turned on', error: null }],
    });
    expect(writes(bench)).toEqual(['PUT 204', 'POST 204']);
    expect((await bench.cli.run(['sync'])).status).toBe(0);
    expect(await bench.database.query('SELECT FROM dataverse.new_untracked')).toHaveLength(4);
  });

  it('track leaves a table alone whose changes are tracked already, also through the tables that it joins', async () => {
    await using bench = await open();
    expect(await track(bench, ['account', 'teammembership'])).toEqual({
      status: 0,
      tables: [
        { table: 'account', outcome: 'on already', error: null },
        { table: 'teammembership', outcome: 'on already', error: null },
      ],
    });
    expect(writes(bench)).toEqual([]);
  });

  it('track takes patterns, which mean only tables that can be tracked', async () => {
    await using bench = await open();
    const { status, tables } = await track(bench, ['new_*', 'aad*', 'account']);
    expect(status).toBe(1);
    expect(tables.map(({ table, outcome, error }) => [table, outcome, error?.code])).toEqual([
      ['account', 'on already', undefined],
      ['new_untracked', 'turned on', undefined],
      ['aad*', 'failed', 'table-not-found'],
    ]);
  });

  it('track says why the change tracking of a table cannot be turned on, and goes on with the next', async () => {
    await using bench = await open();
    const { status, tables } = await track(bench, ['aaduser', 'nosuch', 'new_untracked']);
    expect(status).toBe(1);
    expect(tables.map(({ table, error }) => [table, error?.code])).toEqual([
      ['aaduser', 'tracking-impossible'],
      ['new_untracked', undefined],
      ['nosuch', 'table-not-found'],
    ]);
    expect(tables[0]?.error?.message).toContain('virtual');
  });

  it('track names the role that is needed where customizing is refused', async () => {
    await using bench = await open();
    bench.emulator.settings.mayCustomize = false;
    const { status, tables } = await track(bench, ['new_untracked']);
    expect(status).toBe(1);
    expect(tables[0]?.error?.code).toBe('customize-privilege-missing');
    expect(tables[0]?.error?.remedy).toContain('System Customizer');
    const { status: textStatus, stdout, stderr } = await bench.cli.run(['track', 'new_untracked']);
    expect(textStatus).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/Give .*System Customizer.*new_untracked/);
  });

  it('track repeats a request that was cut off or put off, and follows no redirect', async () => {
    await using bench = await open();
    const { faults } = bench.emulator;
    const put = faults.add({ match: { method: 'PUT' }, times: 1, do: { reset: true } });
    faults.add({ match: { kind: 'publish' }, times: 1, do: { status: 503 } });
    expect((await track(bench, ['new_untracked'])).status).toBe(0);
    expect(put.hits).toBe(1);
    await using other = await open();
    const redirect = { redirectTo: `${other.url}/api/data/v9.2/PublishXml` };
    other.emulator.faults.add({ match: { method: 'PUT' }, do: redirect });
    const { status, tables } = await track(other, ['new_untracked']);
    expect([status, tables[0]?.error?.code]).toEqual([1, 'unexpected-answer']);
    expect(other.emulator.requests.count({ method: 'PUT' })).toBe(1);
    expect(other.emulator.requests.count({ method: 'POST' })).toBe(0);
  });

  it('track without a table name is a wrong command line', async () => {
    await using bench = await open();
    const { status, stderr } = await bench.cli.run(['track']);
    expect(status).toBe(2);
    expect(loggedCodes(stderr)).toEqual([]);
    expect(stderr).toContain('track needs the names of tables');
  });
});
