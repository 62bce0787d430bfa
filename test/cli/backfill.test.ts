import { describe, expect, it } from 'vitest';
import { eventually, logLines } from '../support/command-line.ts';
import { allDifferences } from '../support/oracle.ts';
import { dataRequests, openBench, syncJson, type SyncEntry } from '../support/bench.ts';

describe('backfill', () => {
  it('backfill loads a table and shows its progress in lines where no terminal reads', async () => {
    await using bench = await openBench(['account', 'contact'], { MIRRORVERSE_PAGE_SIZE: '20' });
    const { emulator, cli, database } = bench;
    emulator.store.seed('account', 60);
    emulator.store.seed('contact', 40);
    const { status, stdout, stderr } = await cli.run(['backfill']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^account +up to date +60\b/m);
    expect(await allDifferences(emulator.store, database, ['account', 'contact'])).toEqual([]);
    const lines = logLines(stderr).map((line) => line.msg);
    expect(lines).toContainEqual(expect.stringMatching(/^account: 33 % \(20 of 60 rows\)/));
    expect(lines).toContainEqual(expect.stringMatching(/^contact: 50 % \(20 of 40 rows\)/));
    const results = stdout.trimEnd().split('\n');
    expect(results.filter((line) => line.length > 80)).toEqual([]);

    const again = await syncJson(cli, ['backfill', 'contact']);
    expect(again.status).toBe(0);
    expect(again.tables).toMatchObject([{ table: 'contact', phase: 'delta', rowsRead: 0 }]);
  });

  it('backfill --restart re-baselines a table and leaves unchanged rows as they are', async () => {
    await using bench = await openBench(['account', 'contact']);
    const { emulator, cli, database } = bench;
    emulator.store.seed('account', 50);
    emulator.store.seed('contact', 5);
    expect((await cli.run(['sync'])).status).toBe(0);
    const rows = 'SELECT ctid, xmin, accountid, _mirrored_at FROM dataverse.account ORDER BY accountid';
    const before = await database.query(rows);

    emulator.requests.clear();
    const { status, tables } = await syncJson(cli, ['backfill', 'account', '--restart']);
    expect(status).toBe(0);
    expect(tables).toMatchObject([
      { table: 'account', phase: 'rebaseline', rowsRead: 50, rowsWritten: 0, rowsDeleted: 0, error: null },
    ]);
    expect(emulator.requests.count({ kind: 'baseline', table: 'account' })).toBe(1);
    expect(dataRequests(emulator, 'contact')).toEqual([]);
    expect(await database.query(rows)).toEqual(before);
  });

  it('backfill goes on where SIGINT stopped it', async () => {
    await using bench = await openBench(['contact'], { MIRRORVERSE_PAGE_SIZE: '20' });
    const { emulator, cli, database } = bench;
    emulator.store.seed('contact', 500);
    let pages = 0;
    emulator.settings.onPage = async () => (++pages < 9 ? undefined : new Promise(() => undefined));
    const first = cli.start(['backfill']);
    await eventually(() => pages >= 9);
    const stopped = await first.stop('SIGINT');
    expect(stopped).toMatchObject({ signal: null, stdout: '' });
    expect(stopped.status).not.toBe(0);
    expect(stopped.milliseconds).toBeLessThan(5_000);
    const [held] = await database.query('SELECT lease_holder AS holder, phase FROM mirrorverse.tables');
    expect(held).toEqual({ holder: null, phase: 'baseline' });
    const stored = await database.query('SELECT FROM dataverse.contact');
    expect(stored.length).toBeGreaterThanOrEqual(100);
    expect(stored.length).toBeLessThan(500);

    emulator.settings.onPage = null;
    const { status, stdout, stderr } = await cli.run(['backfill', '--json']);
    expect(status).toBe(0);
    const share = Math.floor((100 * stored.length) / 500);
    const [resumed] = logLines(stderr).filter(({ msg }) => msg.includes('rows'));
    expect(resumed?.msg).toBe(`contact: ${share} % (${stored.length} of 500 rows).`);
    const { tables } = JSON.parse(stdout) as { tables: SyncEntry[] };
    expect(tables).toMatchObject([{ phase: 'baseline', rowsWritten: 500 - stored.length }]);
    expect(await allDifferences(emulator.store, database, ['contact'])).toEqual([]);
    const urls = dataRequests(emulator, 'contact').map((entry) => entry.url);
    expect(urls.length - new Set(urls).size).toBeLessThanOrEqual(2);
  });

  it('a command that waits for another process says for whom and since when, once', async () => {
    await using bench = await openBench(['contact'], { MIRRORVERSE_PAGE_SIZE: '20' });
    const { emulator, cli } = bench;
    emulator.store.seed('contact', 100);
    const { promise: going, resolve: goOn } = Promise.withResolvers<void>();
    let pages = 0;
    emulator.settings.onPage = async () => (++pages < 3 ? undefined : going);
    const first = cli.start(['sync']);
    await eventually(() => pages >= 3);
    const second = cli.start(['sync']);
    await eventually(() => second.stderr.includes('waiting for process'));
    goOn();
    const [loaded, waited] = await Promise.all([first.end(), second.end()]);
    expect([loaded.status, waited.status]).toEqual([0, 0]);
    const lines = logLines(waited.stderr).filter(({ msg }) => msg.includes('waiting for process'));
    expect(lines.map(({ msg }) => msg)).toEqual([
      expect.stringMatching(
        /^Table contact: waiting for process \S+\/\d+\/\w+, which has had the table for \d+ s, since \S+Z\.$/,
      ),
    ]);
  });

  it('backfill ends with 1 when a table fails', async () => {
    await using bench = await openBench(['account', 'nosuch']);
    bench.emulator.store.seed('account', 3);
    const { status, tables } = await syncJson(bench.cli, ['backfill']);
    expect(status).toBe(1);
    expect(tables.map(({ table, error }) => [table, error?.code ?? null])).toEqual([
      ['account', null],
      ['nosuch', 'table-not-found'],
    ]);
  });
});
