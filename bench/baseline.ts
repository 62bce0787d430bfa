/**
 * npm run bench [-- --rows N] [--columns N] [--rounds N]
 *
 * A whole baseline by the `backfill` command, from a local HTTP source into embedded PostgreSQL,
 * against the floor measured in the same run. Each in its own process, in turn, several rounds.
 */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { openEmbeddedPostgres } from '../src/embedded-postgres/cluster.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '200000' },
    columns: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
  },
});
const { rows, columns } = values;
const rounds = Number(values.rounds);
const script = (name: string): string => new URL(name, import.meta.url).pathname;

const directory = mkdtempSync(join(tmpdir(), 'mirrorverse-bench-'));
const postgres = await openEmbeddedPostgres({
  directory: join(directory, 'postgres'),
  settings: { max_wal_size: '8GB', checkpoint_timeout: '30min', shared_buffers: '512MB' },
});
const source = fork(script('source.ts'), [rows, columns]);
try {
  const port = Number((await message(source))['port']);
  const origin = `http://127.0.0.1:${port}`;
  const results: { mirror: number; floor: number; memory: number }[] = [];
  console.log(`${rows} rows of ${columns} columns, pages of 5000; ${cpus().length} × ${cpus()[0]?.model}`);
  for (let round = 1; round <= rounds; round++) {
    const mirror = await timeMirror(origin);
    const floor = await timeFloor();
    results.push({ ...mirror, floor });
    const ratio = (mirror.mirror / floor).toFixed(2);
    console.log(
      `round ${round}: mirror ${seconds(mirror.mirror)}, floor ${seconds(floor)}, ratio ${ratio}, peak memory ${mirror.memory} MB`,
    );
  }
  const mirror = median(results.map((result) => result.mirror));
  const floor = median(results.map((result) => result.floor));
  const ratio = median(results.map((result) => result.mirror / result.floor));
  const memory = Math.max(...results.map((result) => result.memory));
  console.log(`baseline   ${rate(mirror)} rows/s`);
  console.log(`floor      ${rate(floor)} rows/s (COPY of ready text)`);
  console.log(`ratio      ${ratio.toFixed(2)} times the floor's time (bar: 2.00)`);
  console.log(`memory     ${memory} MB at its peak (bar: 512)`);
} finally {
  source.disconnect();
  await postgres.release();
  rmSync(directory, { recursive: true, force: true });
}

async function timeMirror(origin: string): Promise<{ mirror: number; memory: number }> {
  await query('DROP SCHEMA IF EXISTS dataverse CASCADE');
  await query('DROP SCHEMA IF EXISTS mirrorverse CASCADE');
  await query('CHECKPOINT');
  const begun = performance.now();
  const child = spawn(process.execPath, [script('../dist/cli/main.js'), 'backfill'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      DATAVERSE_URL: origin,
      DATAVERSE_ACCESS_TOKEN: 'bench',
      DATABASE_URL: postgres.url,
      MIRRORVERSE_TABLES: 'account',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  let memory = 0;
  const watch = setInterval(() => (memory = Math.max(memory, peakMemory(child.pid))), 50);
  const [code] = (await once(child, 'close')) as [number];
  const mirror = performance.now() - begun;
  clearInterval(watch);
  if (code !== 0) throw new Error(`backfill ended with ${code}: ${errors}`);
  const [counted] = await query('SELECT count(*)::int AS rows FROM dataverse.account');
  if (Number(counted?.['rows']) !== Number(rows)) throw new Error('The mirror does not have every row.');
  return { mirror, memory };
}

async function timeFloor(): Promise<number> {
  const child = fork(script('floor.ts'), [postgres.url, rows, columns]);
  return Number((await message(child))['milliseconds']);
}

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function message(child: ChildProcess): Promise<Record<string, unknown>> {
  const [received] = (await once(child, 'message')) as [Record<string, unknown>];
  return received;
}

/** The kernel's own record of the most memory a process had, in MB; 0 where there is no /proc. */
function peakMemory(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  } catch {
    return 0;
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

function rate(milliseconds: number): number {
  return Math.round(Number(rows) / (milliseconds / 1000));
}
