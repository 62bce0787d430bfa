import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultAction } from '../../src/emulator/faults/fault-script.ts';
import { openBench, type Bench } from '../support/bench.ts';
import { leaks, leaksInState, ROW_CANARY } from '../support/canaries.ts';
import { eventually, logLines, type RunningCommand } from '../support/command-line.ts';

const TOKEN = 'eyJhbGciOiJub25lIn0.eyJhdWQiOiJjYW5hcnkifQ.c2lnbmF0dXJlLW9mLWNhbmFyeQ';
const LINK = 'https://org.crm.dynamics.com/api/data/v9.2/accounts?$skiptoken=canary-of-a-link';
const QUOTE = `Bearer ${TOKEN} asked ${LINK} for “${ROW_CANARY}” (${ROW_CANARY})`;

/** What each table is answered with; the emulator adds to each error what was asked, and a row. */
const ANSWERS: Readonly<Record<string, FaultAction>> = {
  account: { status: 400, code: '0x80040216', message: QUOTE },
  contact: { status: 403, html: true, body: `<html>${QUOTE}</html>` },
  lead: {
    status: 200,
    html: true,
    body: `<html>${QUOTE}</html>`,
    headers: { 'Content-Type': `text/html; q=${TOKEN}` },
  },
  task: { status: 400, body: { statusCode: 400, message: QUOTE, error: TOKEN } },
  opportunity: { status: 307, redirectTo: `https://elsewhere.example/${TOKEN}?$skiptoken=canary-of-a-link` },
  incident: {
    status: 404,
    body: { error: { code: TOKEN, message: `No resource ${encodeURIComponent(QUOTE)}` } },
    headers: { 'x-ms-service-request-id': TOKEN },
  },
};
const TABLES = Object.keys(ANSWERS);
const SECRETS = [TOKEN, ...TOKEN.split('.'), 'canary-of-a-link', 'canary-of-a-row'];

describe('an answer that quotes the token, a link or a row', () => {
  let bench: Bench;
  let daemon: RunningCommand;
  const bodies: string[] = [];

  beforeAll(async () => {
    bench = await openBench(TABLES, {
      DATAVERSE_ACCESS_TOKEN: TOKEN,
      MIRRORVERSE_LOG_LEVEL: 'trace',
      MIRRORVERSE_SCHEDULE: '* * * * * *',
      MIRRORVERSE_HEALTH_PORT: '0',
    });
    bench.emulator.settings.bearerTokens.add(TOKEN);
    for (const [table, action] of Object.entries(ANSWERS)) {
      bench.emulator.faults.add({ match: { kind: 'baseline', table }, do: action });
    }
    daemon = bench.cli.start(['run']);
    const { port } = await daemon.logged(({ msg }) => msg === 'Answering health checks.');
    const get = async (path: string): Promise<string> =>
      (await fetch(`http://127.0.0.1:${String(port)}${path}`)).text();
    await eventually(async () => {
      const { tables } = JSON.parse(await get('/status')) as { tables: { error: unknown }[] };
      return tables.length === TABLES.length && tables.every(({ error }) => error !== null);
    });
    bodies.push(...(await Promise.all(['/status', '/readyz', '/healthz', '/'].map(get))));
    await daemon.stop('SIGTERM');
  });
  afterAll(async () => bench[Symbol.asyncDispose]());

  it('an answer that quotes the token, a link or a row leaves nothing of it in the log, at any level', () => {
    const entries = logLines(daemon.stderr);
    expect(new Set(entries.map(({ code }) => code))).toContain('request-refused');
    expect(leaks(daemon.stderr, SECRETS)).toEqual([]);
  });

  it('an answer that quotes the token, a link or a row leaves nothing of it on the HTTP port', () => {
    expect(bodies.join('\n')).toContain('request-refused');
    expect(leaks(bodies.join('\n'), SECRETS)).toEqual([]);
  });

  it('an answer that quotes the token, a link or a row leaves nothing of it in what the commands print and in the state tables', async () => {
    for (const command of [['status'], ['check', '--json']]) {
      const { stdout, stderr } = await bench.cli.run(command);
      expect(leaks(stdout + stderr, SECRETS)).toEqual([]);
    }
    expect(await leaksInState(bench.database, SECRETS)).toEqual([]);
  });

  it('an answer that quotes the token, a link or a row is described by its status, its length and the code, which are not secret', async () => {
    const { document } = await bench.cli.json(['status']);
    const { tables } = document as { tables: { table: string; error: { code: string; message: string } }[] };
    const said = Object.fromEntries(tables.map(({ table, error }) => [table, error.message]));
    expect(said['account']).toContain('400 0x80040216: Bearer …');
    expect(said['contact']).toMatch(/403: \d+ bytes that are no error of the Web API/);
    expect(said['task']).toMatch(/400: \d+ bytes that are no error of the Web API/);
    expect(said['incident']).toContain('404: No resource Bearer …');
    expect(said['lead']).toContain('(text/html)');
  });
});

it('the check for leaks finds a leak in the state tables, whatever the schema is called', async () => {
  await using bench = await openBench(['account'], { MIRRORVERSE_STATE_SCHEMA: 'crm_state' });
  expect((await bench.cli.run(['sync'])).status).toBe(0);
  expect(await leaksInState(bench.database, [])).toEqual([]);
  await bench.database.query(`UPDATE crm_state.tables SET error_message = 'canary-of-a-row'`);
  expect(await leaksInState(bench.database, [])).toHaveLength(1);
  await bench.database.query('UPDATE crm_state.tables SET error_message = NULL');
});
