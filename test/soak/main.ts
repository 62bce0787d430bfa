/**
 * npm run soak [-- --minutes N] [--seed N] [--two-daemons]
 *
 * Daemons as their users have them, an organization at work, and everything going wrong every few
 * seconds: the network on both sides, the servers, a second daemon that is killed. At the end the
 * mirror must equal the source, and what the daemon holds on to must not have grown.
 *
 * `--two-daemons`: twenty tables under load, two daemons, one of them killed every 20 seconds.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client, Pool, type QueryResultRow } from 'pg';
import { openEmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { driverTable } from '../support/driver/source-changes.ts';
import { MIRRORED } from '../support/oracle.ts';
import { rises } from './slope.ts';
import { slopes, soak, type Figure, type SoakOptions } from './soak.ts';

/** What may be added each minute before it counts as a leak: what a garbage collector leaves is no straight line. */
const TOLERANCE: Readonly<Record<Figure, number>> = { memory: 0.5, handles: 0.2, sessions: 0.1, lag: 0.5 };
/** Milliseconds whose samples count as one. */
const STRETCH = 60_000;
const UNIT: Readonly<Record<Figure, string>> = { memory: 'MB', handles: '', sessions: '', lag: 's' };

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'two-daemons': { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const minutes = Number(values.minutes);
const definitions = Array.from({ length: 20 }, (_, at) => driverTable(at));
const kind: Omit<SoakOptions, 'database' | 'seed' | 'seconds' | 'report'> = values['two-daemons']
  ? {
      definitions,
      tables: definitions.map(({ logicalName }) => logicalName),
      changes: 200,
      killEvery: 20,
      mishaps: 'none',
      sampleEvery: 5,
    }
  : { tables: MIRRORED, changes: 60, mishaps: 'all', sampleEvery: 5 };

console.log(`${minutes} minutes, seed ${seed}`);
const directory = mkdtempSync(join(tmpdir(), 'mirrorverse-soak-'));
const postgres = await openEmbeddedPostgres({ directory: join(directory, 'postgres') });
try {
  const url = await emptyDatabase(postgres.url);
  const pool = new Pool({ connectionString: url, max: 3, application_name: 'soak' });
  pool.on('error', () => undefined);
  const database = {
    url,
    query: async <T extends QueryResultRow>(sql: string, parameters: unknown[] = []) =>
      (await pool.query<T>(sql, parameters)).rows,
  };
  const begun = Date.now();
  const report = (line: string): void =>
    console.log(`${String(Math.round((Date.now() - begun) / 1_000)).padStart(5)} s  ${line}`);
  const result = await soak({ ...kind, database, seed, seconds: minutes * 60, report });
  console.log(`${result.changes} changes, ${result.mishaps} mishaps, ${result.kills} kills`);
  console.log(`leases: ${JSON.stringify(result.events)}`);
  let failed = result.problems.length > 0;
  for (const [name, slope] of Object.entries(slopes(result.series, STRETCH)) as [Figure, null][]) {
    failed = told(name, slope) || failed;
  }
  for (const problem of result.problems) console.log(`PROBLEM  ${problem}`);
  if (result.problems.length === 0) console.log('The mirror equals the source.');
  process.exitCode = failed ? 1 : 0;
  await pool.end();
} finally {
  await postgres.release();
  rmSync(directory, { recursive: true, force: true });
}

/** Prints a slope. @returns whether it is too steep. */
function told(name: Figure, slope: ReturnType<typeof slopes>[Figure]): boolean {
  if (slope === null) {
    console.log(`${name.padEnd(9)} too few samples`);
    return false;
  }
  const tooSteep = !values['two-daemons'] && rises(slope, TOLERANCE[name]);
  const figure = (value: number): string => `${value.toFixed(2)} ${UNIT[name]}`.trim();
  console.log(
    `${name.padEnd(9)} ${figure(slope.perMinute)} a minute ± ${figure(slope.standardError)}, ` +
      `from ${figure(slope.first)} to ${figure(slope.last)} in ${slope.samples} samples` +
      (tooSteep ? `, more than ${figure(TOLERANCE[name])} a minute for certain` : ''),
  );
  return tooSteep;
}

async function emptyDatabase(url: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('CREATE DATABASE soak');
  await client.end();
  const address = new URL(url);
  address.pathname = '/soak';
  return address.href;
}
