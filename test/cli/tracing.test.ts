import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openTracing } from '../../src/sync/watch/run-trace.ts';
import { openBench } from '../support/bench.ts';
import { leaks } from '../support/canaries.ts';
import type { WrittenSpan } from '../support/write-spans.ts';

const WRITE_SPANS = join(import.meta.dirname, '..', 'support', 'write-spans.ts');

/** A span as a line of text: its attributes, and its code of status unless it is unset. */
function told({ name, attributes, status }: WrittenSpan): string {
  const values = Object.entries(attributes).map(
    ([key, value]) => `${key.replace('mirrorverse.', '')}=${String(value)}`,
  );
  return [name, ...values, ...(status.code === 0 ? [] : [`status=${status.code}`])].join(' ');
}

it('an SDK that the user loads gets a span of each run, with the fetching and storing of its pages inside, and no link', async () => {
  await using bench = await openBench(['account', 'contact'], { MIRRORVERSE_PAGE_SIZE: '10' });
  const { emulator, cli } = bench;
  emulator.store.seed('account', 12);
  emulator.settings.deniedTables.add('contact');
  const file = join(cli.directory, 'spans');
  const environment = { NODE_OPTIONS: `--import ${WRITE_SPANS}`, SPANS: file };
  expect((await cli.run(['sync'], environment)).status).toBe(1);
  const text = await readFile(file, 'utf8');
  expect(leaks(text, [])).toEqual([]);
  expect(text).not.toContain(bench.url);
  const spans = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as WrittenSpan);
  const runs = spans.filter(({ name }) => name === 'run');
  const pagesOf = (run: WrittenSpan | undefined): string[] =>
    spans
      .filter(({ parent }) => parent === run?.id)
      .map(told)
      .toSorted();
  const [account, contact] = runs.toSorted((a, b) => told(a).localeCompare(told(b)));
  expect(runs.map(({ parent }) => parent)).toEqual([null, null]);
  expect(told(account as WrittenSpan)).toBe(
    'run table=account phase=baseline rows=12 rows_written=12 rows_deleted=0',
  );
  expect(pagesOf(account)).toEqual([
    'page.fetch table=account phase=baseline rows=0',
    'page.fetch table=account phase=baseline rows=10',
    'page.fetch table=account phase=baseline rows=2',
    'page.store table=account phase=baseline rows=0',
    'page.store table=account phase=baseline rows=10',
    'page.store table=account phase=baseline rows=2',
  ]);
  expect(told(contact as WrittenSpan)).toMatch(/ error\.type=privilege-missing status=2$/);
  expect(pagesOf(contact)).toEqual([
    'page.fetch table=contact phase=baseline error.type=privilege-missing status=2',
  ]);
  const idle = join(cli.directory, 'idle');
  await cli.run(['sync', 'account'], { ...environment, SPANS: idle });
  const polled = (await readFile(idle, 'utf8')).trimEnd().split('\n');
  expect(polled.map((line) => told(JSON.parse(line) as WrittenSpan)).toSorted()).toEqual([
    'page.fetch table=account phase=delta rows=0',
    'page.store table=account phase=delta rows=0',
    'run table=account phase=delta rows=0 rows_written=0 rows_deleted=0',
  ]);
});

it('a run makes no span without an SDK', () => {
  expect(openTracing('1.0.0')).toBeUndefined();
});
