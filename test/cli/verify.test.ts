import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { violations } from '../support/accessibility.ts';
import { openBench, type Bench } from '../support/bench.ts';
import { CHROMIUM, openBrowser } from '../support/browser.ts';

const EXTRA = 12;

let bench: Bench;
beforeAll(async () => {
  bench = await openBench(['account', 'contact', 'lead']);
  bench.emulator.store.seed('account', 400);
  bench.emulator.store.seed('contact', 30);
  await bench.cli.run(['sync']);
});
afterAll(async () => bench[Symbol.asyncDispose]());

const report = async (): Promise<string> => readFile(join(bench.cli.directory, 'proof.html'), 'utf8');

it('verify says first that all tables equal their source, and then each table, without a line of the log', async () => {
  const { status, stdout, stderr } = await bench.cli.run(['verify', '--report', 'proof.html']);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const lines = stdout.split('\n');
  expect(lines[0]).toBe('3 tables equal their source.');
  expect(lines.find((line) => line.startsWith('account'))).toMatch(
    /^account +equal +400 +1 +\d+\.\d s +\d+$/,
  );
  const page = await report();
  expect(page).toContain('3 tables equal their source.');
  expect(page).toContain('It does not find a wrong value in a row of the right version');
});

it('verify lists the first differences within 80 columns, and the report has all of them without a value', async () => {
  const { database, cli } = bench;
  await database.query(
    `UPDATE dataverse.account SET name = 'a value of the mirror', description = '', telephone1 = '1', emailaddress1 = '4'
      WHERE accountid IN (SELECT accountid FROM dataverse.account ORDER BY 1 LIMIT 15)`,
  );
  await database.query(
    `DELETE FROM dataverse.contact WHERE contactid = (SELECT max(contactid::text)::uuid FROM dataverse.contact)`,
  );
  await database.query(
    `INSERT INTO dataverse.lead (leadid, subject, versionnumber, _mirrored_at) SELECT gen_random_uuid(), 'x', 5, now() FROM generate_series(1, ${EXTRA})`,
  );
  const { status, stdout } = await cli.run(['verify', '--values', '--report', 'proof.html']);
  expect(status).toBe(1);
  expect(stdout).toContain(`3 tables have ${15 + 1 + EXTRA} differences.`);
  expect(stdout.match(/^ {2}values {3}[\da-f-]{36}: name,/gm)).toHaveLength(10);
  expect(stdout).toContain('and 5 more');
  expect(stdout).toContain('contact: 1 difference\n  missing  ');
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  const page = await report();
  expect(page.match(/<td>values<\/td>/g)).toHaveLength(15);
  expect(page.match(/<td>extra<\/td>/g)).toHaveLength(EXTRA);
  expect(page).not.toContain('a value of the mirror');
  expect(page).not.toContain('<script');
  expect(page).toContain(bench.url);
});

it.skipIf(CHROMIUM === undefined)('the report is accessible, and fits a narrow screen', async () => {
  const browser = await openBrowser();
  const page = await browser.newPage({ viewport: { width: 400, height: 800 } });
  await page.goto(pathToFileURL(join(bench.cli.directory, 'proof.html')).href);
  expect(await violations(page)).toEqual([]);
  const [inner, outer] = await page.evaluate<[number, number]>(
    '[document.documentElement.scrollWidth, innerWidth]',
  );
  expect(inner).toBeLessThanOrEqual(outer);
  await browser.close();
});

it('verify --repair keeps so many extra rows as a sweep would ask about, repairs all others, and --yes deletes them', async () => {
  const { cli, database } = bench;
  const rows = async (): Promise<unknown> =>
    database.query('SELECT count(*)::integer AS n FROM dataverse.lead');
  await cli.run(['pause', 'contact']);
  const repaired = await cli.run(['verify', '--values', '--repair']);
  expect(repaired.status).toBe(1);
  expect(repaired.stdout.split('\n')[0]).toBe(
    `1 table had 15 differences, repaired; 1 has ${EXTRA} differences; 1 is paused.`,
  );
  expect(repaired.stdout).toContain(`${EXTRA} extra rows stay`);
  expect(repaired.stdout.replaceAll(/\s+/g, ' ')).toContain('`mirrorverse resume contact` lets it go on.');
  expect(await rows()).toEqual([{ n: EXTRA }]);
  await cli.run(['resume', 'contact']);
  const { status, document } = await cli.json(['verify', 'lead', '--repair', '--yes']);
  expect(status).toBe(0);
  expect(document).toMatchObject({ ok: true, tables: [{ total: EXTRA, open: 0, waiting: 0 }] });
  expect(await rows()).toEqual([{ n: 0 }]);
});

it('verify refuses a report that cannot be written before it works, and leaves no file of its own behind', async () => {
  const { cli, emulator } = bench;
  const before = emulator.requests.find({}).length;
  const nowhere = await cli.run(['verify', '--report', 'no/such/proof.html']);
  const device = await cli.run(['verify', '--report', '/dev/null']);
  expect([nowhere.status, device.status]).toEqual([2, 2]);
  expect(nowhere.stderr).toContain('its folder does not exist');
  expect(emulator.requests.find({})).toHaveLength(before);
  const unknown = await cli.run(['verify', 'leed', '--report', 'other.html']);
  expect(unknown.status).toBe(2);
  expect(unknown.stderr).toContain('Did you mean lead?');
  const files = await readdir(cli.directory);
  expect(files.filter((name) => name.includes('other') || name.endsWith('.draft'))).toEqual([]);
});
