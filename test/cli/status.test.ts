import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/command-line.ts';
import { openBench, type Bench } from '../support/bench.ts';

const TABLES = ['account', 'contact', 'lead'];
const NO_REQUESTS = { total: 0, perChangedRow: null, perIdleHour: null, since: null };
const UNTOUCHED = {
  phase: 'new',
  rows: 0,
  lastSuccessAt: null,
  lagSeconds: null,
  behind: false,
  lastAttempt: null,
  linkIssuedAt: null,
  linkExpiresAt: null,
  quarantined: 0,
  error: null,
  configured: true,
  elsewhere: false,
  rowsLoaded: null,
  rowsExpected: null,
  etaSeconds: null,
  loadStoodAt: null,
  paused: null,
  verified: null,
  requests: NO_REQUESTS,
};
const BUDGET = {
  requestsIn5Minutes: 0,
  limit: 6_000,
  throttledUntil: null,
  requestsIn24Hours: 0,
  requestsPerDay: null,
};
const MOMENT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/) as string;
const ATTEMPT = { at: MOMENT, running: false, recent: true };
const FRESH = expect.any(Number) as number;

let bench: Bench;
beforeAll(async () => {
  bench = await openBench(TABLES);
});
afterAll(async () => bench[Symbol.asyncDispose]());

interface Status {
  readonly environment: Readonly<Record<string, unknown>>;
  readonly budget: Readonly<Record<string, unknown>>;
  readonly tables: readonly (Record<string, unknown> & { readonly table: string })[];
}

/** What `status --json` prints, which always ends with 0. */
async function readStatus(environment = {}): Promise<Status> {
  const { status, document, stderr } = await bench.cli.json(['status'], environment);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return document as Status;
}

/** Nothing of the environment is set, only where the database is. */
const DATABASE_ALONE = { DATAVERSE_URL: '', DATAVERSE_ACCESS_TOKEN: '', MIRRORVERSE_TABLES: '' };

// In this order: each step finds the mirror as the one before left it.
describe('status', () => {
  it('status lists the configured tables before anything ran', async () => {
    expect(await readStatus()).toEqual({
      environment: { url: bench.url, organizationId: null, requests: NO_REQUESTS },
      budget: BUDGET,
      tables: TABLES.map((table) => ({ table, ...UNTOUCHED })),
      webhooks: [],
      files: { stored: 0, waiting: 0, failed: 0 },
    });
  });

  it('status needs nothing but the database, which may be empty', async () => {
    const environment = { url: null, organizationId: null, requests: NO_REQUESTS };
    const files = { stored: 0, waiting: 0, failed: 0 };
    const nothing = { environment, budget: BUDGET, tables: [], webhooks: [], files };
    expect(await readStatus(DATABASE_ALONE)).toEqual(nothing);
    const made = `SELECT FROM pg_class WHERE relnamespace = to_regnamespace('mirrorverse')`;
    expect(await bench.database.query(made)).toEqual([]);
  });

  it('status shows rows, times and lag after a pass, and why a table failed', async () => {
    const { emulator, cli } = bench;
    emulator.store.seed('account', 12);
    emulator.store.seed('contact', 7);
    emulator.settings.deniedTables.add('contact');
    expect((await cli.run(['sync', 'account', 'contact'])).status).toBe(1);
    const { environment, budget, tables } = await readStatus();
    // The process sent every request to the environment, and recorded each at its end.
    const sent = emulator.requests.entries.length;
    expect(budget).toEqual({ ...BUDGET, requestsIn5Minutes: sent, requestsIn24Hours: sent });
    const { organizationId } = emulator.store;
    const requests = { total: FRESH, perChangedRow: FRESH, perIdleHour: 0, since: MOMENT };
    expect(environment).toEqual({ url: bench.url, organizationId, requests });
    expect(tables).toEqual([
      {
        table: 'account',
        phase: 'delta',
        rows: 12,
        lastSuccessAt: MOMENT,
        lagSeconds: FRESH,
        behind: false,
        lastAttempt: ATTEMPT,
        linkIssuedAt: MOMENT,
        linkExpiresAt: MOMENT,
        quarantined: 0,
        error: null,
        configured: true,
        elsewhere: false,
        rowsLoaded: null,
        rowsExpected: null,
        etaSeconds: null,
        loadStoodAt: null,
        paused: null,
        verified: null,
        requests,
      },
      {
        ...UNTOUCHED,
        table: 'contact',
        phase: 'failed',
        lastAttempt: ATTEMPT,
        error: {
          code: 'privilege-missing',
          message: expect.stringContaining('contact') as string,
          remedy: expect.stringContaining('Read') as string,
        },
        requests: { ...requests, perChangedRow: null },
      },
      { table: 'lead', ...UNTOUCHED },
    ]);
    expect(tables[0]?.['lagSeconds']).toBeLessThan(60);
  });

  it('status forgets the error with the next success', async () => {
    bench.emulator.settings.deniedTables.clear();
    expect((await bench.cli.run(['sync', 'contact'])).status).toBe(0);
    const { tables } = await readStatus(DATABASE_ALONE);
    const short = tables.map(({ table, phase, rows, error }) => ({ table, phase, rows, error }));
    expect(short).toEqual([
      { table: 'account', phase: 'delta', rows: 12, error: null },
      { table: 'contact', phase: 'delta', rows: 7, error: null },
    ]);
  });

  it('status says that a table is behind which nobody has polled for days, and its phase stays', async () => {
    const ago = async (time: string): Promise<unknown> =>
      bench.database.query(
        `UPDATE mirrorverse.tables SET last_success_at = now() - interval '${time}', last_attempt_at = now() - interval '${time}' WHERE "table" = 'account'`,
      );
    await ago('3 days');
    const { tables } = await readStatus();
    expect(tables[0]).toMatchObject({ table: 'account', phase: 'delta', behind: true });
    const { stdout } = await bench.cli.run(['status']);
    expect(stdout).toMatch(/^3 tables: 1 up to date, 1 behind, 1 not loaded yet\n/);
    expect(stdout).toContain('no process has polled it since');
    await ago('1 minute');
    expect((await readStatus()).tables[0]).toMatchObject({ table: 'account', behind: false });
  });

  it('status counts the rows in quarantine', async () => {
    const { emulator, cli } = bench;
    emulator.faults.add({
      match: { kind: 'delta', table: 'account' },
      do: { transformText: (text) => text.replace('"name":"too large"', '"name":"\\u0000"') },
    });
    const [first] = [...emulator.store.rows('account')];
    emulator.store.update('account', first?.id ?? '', { name: 'too large' });
    expect((await cli.run(['sync', 'account'])).status).toBe(1);
    emulator.faults.clear();
    const { tables } = await readStatus();
    expect(tables.find(({ table }) => table === 'account')).toMatchObject({ phase: 'delta', quarantined: 1 });
  });

  it('status tells a person the whole first, then each table, in lines of at most 80 characters', async () => {
    const { status, stdout } = await bench.cli.run(['status'], { DATABASE_URL: bench.database.url });
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toBe('3 tables: 2 up to date, 1 not loaded yet');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).toContain(bench.url);
    expect(stdout).toMatch(/^account +delta +\d+ +\d+ s ago$/m);
    expect(stdout).toMatch(/^contact +delta +7 +\d+ s ago$/m);
    expect(stdout).toMatch(/^lead +new +0 +never$/m);
    expect(stdout).toContain('  1 row in quarantine: `mirrorverse quarantine account` says why.');
    const wide = await bench.cli.run(['status', '--wide']);
    expect(wide.stdout).toMatch(
      /^\d+ API requests about tables since \S+Z, [\d.]+ for each\s+changed\s+row, /m,
    );
  });

  it('status shows the tables that its words name, and asks back for a word that names none', async () => {
    const { document } = await bench.cli.json(['status', 'lead', 'cont*']);
    expect((document as Status).tables.map(({ table }) => table)).toEqual(['contact', 'lead']);
    const { status, stdout, stderr } = await bench.cli.run(['status', 'acount']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('Did you mean account?');
  });

  it('status sets a table apart that is no longer configured, but not one that a pattern means', async () => {
    const { stdout } = await bench.cli.run(['status'], { MIRRORVERSE_TABLES: 'lead,cont*' });
    expect(stdout).toMatch(/^2 tables: 1 up to date, 1 not loaded yet$/m);
    expect(stdout).toMatch(/^No longer configured:\n.*\naccount +delta/m);
    expect(stdout).toContain('`mirrorverse forget account` removes what is kept of it.');
  });

  it('status --watch shows the status anew until it is stopped, and then ends with 0', async () => {
    const json = bench.cli.start(['status', '--watch', '--json', 'lead']);
    const text = bench.cli.start(['status', '--watch', 'lead']);
    await eventually(() => json.stdout.split('\n').length > 2);
    await eventually(() => text.stdout.split('1 table:').length > 2);
    const [ofJson, ofText] = await Promise.all([json.stop('SIGINT'), text.stop('SIGTERM')]);
    expect([ofJson.status, ofText.status]).toEqual([0, 0]);
    const documents = ofJson.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Status);
    expect(documents.map(({ tables }) => tables[0]?.table)).toContain('lead');
  });

  it('status ends with 1 and says why when the database cannot be reached', async () => {
    const url = 'postgres://nobody@127.0.0.1:9/none';
    const { status, stdout, stderr } = await bench.cli.run(['status', '--json'], { DATABASE_URL: url });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('database-unreachable');
  });
});
