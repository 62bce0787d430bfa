import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { DemoOrganization } from '../../src/emulator/demo/demo-organization.ts';
import type { RowMessage } from '../../src/emulator/store/row-listener.ts';
import type { Options } from '../options.ts';
import { verdict, type Section } from '../report/section.ts';
import { count } from '../report/units.ts';
import { scriptPath } from '../support/child.ts';
import { median } from '../support/median.ts';
import { commandVariables, runCommand } from '../support/mirror-command.ts';
import type { Workbench } from '../support/workbench.ts';

/** The tables of the demo that change, and the pace of the demo. */
const TABLES = ['account', 'contact', 'lead', 'opportunity', 'incident', 'task'];
const CHANGES_PER_SECOND = 1;
const ROWS = 2_000;
const SECRET = 'secret-of-the-benchmark';
/** Minutes for which changes are followed. */
const MINUTES = 3;
/** Milliseconds between two looks at the mirror. */
const LOOK = 50;
/** Milliseconds from change to mirror, in the middle. */
const BAR = 2_000;
/** Requests that nudges may cost in five minutes for one table: 1 % of what Dataverse allows. */
const REQUESTS = 60;
/** Milliseconds for an answer to a nudge. */
const ANSWER = 20;
const ANSWERS = 500;

interface Change {
  readonly message: RowMessage;
  readonly table: string;
  readonly id: string;
  readonly version: bigint;
  readonly at: number;
}

/** How long changes take to the mirror when the environment tells of them, with a schedule that does not come. */
export async function measureNudges(workbench: Workbench, options: Options): Promise<Section> {
  const minutes = options.rounds(MINUTES);
  await workbench.clear();
  const organization = new DemoOrganization({ rows: ROWS });
  const { emulator } = organization;
  const origin = await emulator.listen();
  const port = await freePort();
  const [token = ''] = emulator.settings.bearerTokens;
  const surroundings = { origin, url: workbench.url, tables: TABLES };
  const environment = {
    DATAVERSE_ACCESS_TOKEN: token,
    MIRRORVERSE_SCHEDULE: '0 0 1 1 *',
    MIRRORVERSE_NUDGE_PORT: String(port),
    MIRRORVERSE_NUDGE_URL: `http://127.0.0.1:${port}/`,
    MIRRORVERSE_NUDGE_SECRET: SECRET,
  };
  await runCommand(['backfill'], surroundings, environment);
  await runCommand(['nudge', 'register'], surroundings, environment);
  const daemon = spawn(process.execPath, [scriptPath('../dist/cli/main.js'), 'run'], {
    env: { ...process.env, ...commandVariables(surroundings), ...environment },
    stdio: 'ignore',
  });
  try {
    await delay(10_000);
    const followed = await follow(workbench, organization, minutes * 60_000);
    const answers = await answerTimes(port, new URL(origin).host);
    return sectionOf(minutes, followed, answers);
  } finally {
    await stopped(daemon);
    await emulator.close();
  }
}

interface Followed {
  /** Milliseconds from each change to the moment when the mirror had it. */
  readonly delays: readonly number[];
  /** Requests of the table that had the most. */
  readonly most: number;
  readonly requests: number;
}

/** Makes changes at the pace of the demo, and looks when they are in the mirror. */
async function follow(workbench: Workbench, organization: DemoOrganization, time: number): Promise<Followed> {
  const { store, requests } = organization.emulator;
  const waiting = new Set<Change>();
  const delays: number[] = [];
  const tell = store.onChange;
  store.onChange = (message, table, id) => {
    waiting.add({ message, table, id, version: store.currentVersion + 1n, at: performance.now() });
    tell?.(message, table, id);
  };
  requests.clear();
  const ended = new AbortController();
  const work = organization.work(CHANGES_PER_SECOND, ended.signal);
  const begun = performance.now();
  let asked = 0;
  const most = new Map<string, number>();
  for (;;) {
    const isOver = performance.now() - begun > time;
    if (isOver && !ended.signal.aborted) {
      ended.abort();
      asked = requests.find().length;
      for (const { table } of requests.find())
        if (table !== null) most.set(table, (most.get(table) ?? 0) + 1);
    }
    if (isOver && waiting.size === 0) break;
    for (const table of TABLES) {
      const ofTable = [...waiting].filter((change) => change.table === table);
      for (const change of await arrived(workbench, table, ofTable)) {
        waiting.delete(change);
        delays.push(performance.now() - change.at);
      }
    }
    await delay(LOOK);
  }
  await work;
  store.onChange = tell;
  return { delays, requests: asked, most: Math.max(...most.values()) };
}

/** Those changes of a table that the mirror has. */
async function arrived(workbench: Workbench, table: string, changes: readonly Change[]): Promise<Change[]> {
  if (changes.length === 0) return [];
  const key = table === 'task' ? 'activityid' : `${table}id`;
  const ids = changes.map(({ id }) => `'${id}'`).join(',');
  const rows = await workbench.query(
    `SELECT ${key}::text AS id, versionnumber FROM dataverse.${table} WHERE ${key} IN (${ids})`,
  );
  const versions = new Map(rows.map(({ id, versionnumber }) => [id, BigInt(String(versionnumber))]));
  const deleted = new Set(changes.flatMap(({ message, id }) => (message === 'Delete' ? [id] : [])));
  return changes.filter(({ id, version }) => {
    const mirrored = versions.get(id);
    // A row may be deleted before its last change has come. The mirror has that change when it has the deletion.
    return mirrored === undefined ? deleted.has(id) : mirrored >= version && !deleted.has(id);
  });
}

/** Milliseconds from each nudge to its answer, one after the other. */
async function answerTimes(port: number, organization: string): Promise<number[]> {
  const times: number[] = [];
  for (let nudge = 0; nudge < ANSWERS; nudge++) {
    const begun = performance.now();
    const sent = request({
      host: '127.0.0.1',
      port,
      method: 'POST',
      headers: {
        'x-mirrorverse-key': SECRET,
        'x-ms-dynamics-organization': organization,
        'x-ms-dynamics-entity-name': 'none',
      },
    });
    sent.end('x'.repeat(20_000));
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    if (response.statusCode !== 204) throw new Error(`A nudge was answered with ${response.statusCode}.`);
    times.push(performance.now() - begun);
    response.resume();
    await once(response, 'close');
  }
  return times;
}

function sectionOf(
  minutes: number,
  { delays, most, requests }: Followed,
  answers: readonly number[],
): Section {
  const middle = median(delays);
  const slowest = answers.toSorted((a, b) => a - b)[Math.floor(answers.length * 0.99)] ?? Number.NaN;
  const perTable = (most * 5) / minutes;
  return {
    title: 'Nudges',
    about: `The tables of the demo change ${CHANGES_PER_SECOND} times a second for ${minutes} minutes, by a schedule that polls them once a year. The environment posts each change to the daemon. Allowed are ${BAR} ms from a change to the mirror in the middle, ${REQUESTS} requests in five minutes for a table, which is 1 % of what Dataverse allows, and ${ANSWER} ms for 99 of 100 answers to a nudge.`,
    headings: [
      'changes',
      'median',
      '9 of 10 within',
      'median ÷ bar',
      'requests in 5 minutes',
      'of one table ÷ bar',
      '99 of 100 answers ÷ bar',
    ],
    rows: [
      [
        count(delays.length),
        `${Math.round(middle)} ms`,
        `${Math.round(delays.toSorted((a, b) => a - b)[Math.floor(delays.length * 0.9)] ?? Number.NaN)} ms`,
        verdict({ value: middle / BAR, bar: 1 }),
        count(Math.round((requests * 5) / minutes)),
        verdict({ value: perTable / REQUESTS, bar: 1 }),
        verdict({ value: slowest / ANSWER, bar: 1 }),
      ],
    ],
    ratios: [
      { name: 'change to mirror, of 2 s', value: middle / BAR, bar: 1 },
      { name: 'requests of a nudged table, of 1 %', value: perTable / REQUESTS, bar: 1 },
      { name: 'answer to a nudge, of 20 ms', value: slowest / ANSWER, bar: 1 },
    ],
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

async function stopped(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  daemon.kill('SIGTERM');
  await once(daemon, 'exit');
}
