// Writes what this version leaves in a database to test/fixtures/releases/<version>.sql.gz. It needs a PostgreSQL server
// of the oldest supported version at TEST_DATABASE_URL, and its pg_dump: an older server cannot read newer dumps.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Client } from 'pg';
import { spawnCommand } from './command-line.ts';
import {
  changeBeforeRelease,
  ORIGIN,
  RELEASE_CONFIG,
  RELEASE_TABLES,
  releaseEnvironment,
} from './release-mirror.ts';

const ROOT = join(import.meta.dirname, '..', '..');

const server = new URL(process.env['TEST_DATABASE_URL'] ?? '');
const name = 'release_dump';
const admin = new Client({ connectionString: server.href });
await admin.connect();
await admin.query(`DROP DATABASE IF EXISTS ${name}`);
await admin.query(`CREATE DATABASE ${name}`);
const database = new URL(server);
database.pathname = name;

const emulator = releaseEnvironment();
const origin = await emulator.listen();
const directory = mkdtempSync(join(tmpdir(), 'mirrorverse-release-'));
writeFileSync(join(directory, 'mirrorverse.yaml'), RELEASE_CONFIG);
const mirrorverse = async (...args: string[]): Promise<void> => {
  const environment = {
    DATAVERSE_URL: origin,
    DATAVERSE_ACCESS_TOKEN: 'emulator-token',
    DATABASE_URL: database.href,
  };
  const main = join(ROOT, 'src', 'cli', 'main.ts');
  const child = spawnCommand(main, args, environment, { cwd: directory, stdio: 'inherit' });
  await new Promise((resolve) => child.on('close', resolve));
};
await mirrorverse('sync');
changeBeforeRelease(emulator);
// One row is in quarantine, so both passes end with 1.
await mirrorverse('sync');
await mirrorverse('verify', '--values');
await mirrorverse('pause', 'lead', '--for', '1d', '--reason', 'of the release');
await emulator.close();

const sql = execFileSync(
  'pg_dump',
  ['--inserts', '--load-via-partition-root', '--no-owner', '--no-privileges', database.href],
  {
    encoding: 'utf8',
    maxBuffer: 100_000_000,
  },
)
  // Commands to psql, which no other client knows.
  .replaceAll(/^\\.*\n/gm, '')
  // The pg_dump of PostgreSQL 15 does not see that a partition has the identity column of its table.
  .replaceAll(
    'INSERT INTO mirrorverse.logged_changes VALUES',
    'INSERT INTO mirrorverse.logged_changes OVERRIDING SYSTEM VALUE VALUES',
  )
  .replaceAll('CREATE SCHEMA ', 'CREATE SCHEMA IF NOT EXISTS ')
  .replaceAll(origin, ORIGIN);
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
writeFileSync(join(ROOT, 'test', 'fixtures', 'releases', `${version}.sql.gz`), gzipSync(sql, { level: 9 }));
rmSync(directory, { recursive: true });
await admin.query(`DROP DATABASE ${name}`);
await admin.end();
console.log(`${version}: ${RELEASE_TABLES.join(', ')}`);
