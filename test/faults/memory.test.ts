import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DataverseOptions } from '../../src/dataverse/dataverse.ts';
import { memo } from '../../src/emulator/model/column-kinds.ts';
import { primaryId, versionNumber } from '../../src/emulator/model/standard-columns.ts';
import { parsePrefer } from '../../src/emulator/prefer-header.ts';
import { smallTable } from '../support/small-table.ts';
import { differences } from '../support/oracle.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { failures, SyncBench } from '../support/sync.ts';
import { openBench } from '../support/bench.ts';

const KB = 1_000;
const MB = 1_000_000;

/** A table with a column for long texts. */
function wideTable(schemaName: string): ReturnType<typeof smallTable> {
  return smallTable(schemaName, {
    columns: [
      primaryId(`${schemaName}Id`, [schemaName, schemaName]),
      memo('new_Text', ['Text', 'Text']),
      versionNumber(),
    ],
  });
}

/** Page sizes that were asked for, in order. */
function askedFor(bench: SyncBench, table: string): number[] {
  return bench.emulator.requests
    .find({ table })
    .filter(({ kind }) => ['baseline', 'next', 'delta'].includes(kind))
    .map(({ headers }) => parsePrefer(headers['prefer']).maxPageSize ?? 0);
}

async function opened(rows: number, bytes: (row: number) => number): Promise<SyncBench> {
  const bench = await SyncBench.open({ tables: [wideTable('new_Wide')] });
  for (let row = 0; row < rows; row++) {
    bench.emulator.store.insert('new_wide', { new_text: String(row % 10).repeat(bytes(row)) });
  }
  return bench;
}

function limits(pageBytes: number): Pick<DataverseOptions, 'limits'> {
  const rates = { requestsPer5Minutes: 100_000, concurrency: 8, requestTimeout: 30_000 };
  return { limits: { ...rates, pageBytes, memory: 4 * pageBytes } };
}

describe('a page', () => {
  it('of wide rows is broken off, and asked for again with as many as fit; the chain never grows again', async () => {
    await using bench = await opened(60, () => 20 * KB);
    const dataverse = bench.dataverse(limits(200 * KB));
    expect(failures(await bench.sync(['new_wide'], { dataverse }))).toEqual({});
    const [first, ...others] = askedFor(bench, 'new_wide');
    expect(first).toBe(5_000);
    const load = others.slice(0, -1);
    expect(load[0]).toBe(9);
    for (const [at, size] of load.slice(1).entries()) expect(size).toBeLessThanOrEqual(load[at] ?? 0);
    expect(await differences(bench.emulator.store, bench.database, 'new_wide')).toEqual([]);
  });

  it('with one row that is larger than all of it comes all the same', async () => {
    await using bench = await opened(40, (row) => (row === 17 ? 600 * KB : KB));
    const dataverse = bench.dataverse(limits(200 * KB));
    expect(failures(await bench.sync(['new_wide'], { dataverse }))).toEqual({});
    expect(await differences(bench.emulator.store, bench.database, 'new_wide')).toEqual([]);
    // That row has not made pages of single rows out of the rest.
    expect(askedFor(bench, 'new_wide').length).toBeLessThan(10);
  });

  it('with a row larger than any stops the table and names the way out', async () => {
    await using bench = await opened(40, (row) => (row === 17 ? 900 * KB : KB));
    const dataverse = bench.dataverse(limits(200 * KB));
    const [result] = await bench.sync(['new_wide'], { dataverse });
    expect(result?.failure).toMatchObject({ code: 'row-too-large', reaction: 'stop-table' });
    expect(result?.failure?.remedy).toContain('columns.exclude');
    expect(result?.failure?.message).not.toContain('0000');
    expect(await bench.database.query('SELECT FROM dataverse.new_wide')).toHaveLength(17);
    const columns = { exclude: ['new_text'] };
    expect(failures(await bench.sync(['new_wide'], { columns }))).toEqual({});
  });

  it('of a chain that another process began with fewer rows has no more of them', async () => {
    await using bench = await opened(40, () => KB);
    const stop = new AbortController();
    const onPage = (): void => stop.abort(new Error('stopping'));
    await bench.sync(['new_wide'], { pageSize: 7 }, { onPage }, stop.signal).catch(() => undefined);
    bench.emulator.requests.clear();
    expect(failures(await bench.sync(['new_wide'], { pageSize: 5_000 }))).toEqual({});
    const sizes = askedFor(bench, 'new_wide');
    const rest = bench.emulator.requests.count({ kind: 'next' });
    expect(rest).toBeGreaterThan(2);
    expect(sizes.slice(0, rest).every((size) => size === 7)).toBe(true);
    expect(sizes.slice(rest).every((size) => size === 5_000)).toBe(true);
    expect(await differences(bench.emulator.store, bench.database, 'new_wide')).toEqual([]);
  });

  it('that times out in the database is halved at once, until it comes', async () => {
    await using bench = await opened(400, () => 10);
    const slow = { status: 400, code: '0x80044151' };
    bench.emulator.faults.add({ match: { kind: 'baseline' }, times: 4, do: slow });
    const [result] = await bench.sync(['new_wide'], { pageSize: 1_000 });
    expect(result?.failure).toBeNull();
    expect(askedFor(bench, 'new_wide').slice(0, 6)).toEqual([1_000, 500, 250, 125, 62, 62]);
    expect(await differences(bench.emulator.store, bench.database, 'new_wide')).toEqual([]);
  });
});

it('a row that no answer may hold does not keep another table from its memory', async () => {
  await using bench = await SyncBench.open({ tables: [wideTable('new_Wide'), wideTable('new_Other')] });
  const { store } = bench.emulator;
  store.insert('new_wide', { new_text: 'x'.repeat(900 * KB) });
  for (let row = 0; row < 30; row++) store.insert('new_other', { new_text: 'y'.repeat(20 * KB) });
  const dataverse = bench.dataverse(limits(200 * KB));
  expect(failures(await bench.sync(['new_wide', 'new_other'], { dataverse }))).toEqual({
    new_wide: 'row-too-large',
  });
  expect(dataverse.client.pageMemory.inUse).toBe(0);
  expect(await differences(store, bench.database, 'new_other')).toEqual([]);
});

describe('the memory of a whole process', () => {
  const WRITE_PEAK = join(import.meta.dirname, '..', 'support', 'write-peak-memory.ts');
  const TABLES = Array.from({ length: 8 }, (_, at) => `new_wide${at}`);
  /** Rows of each: 8 MB, all of which would be one page. */
  const ROWS = 40;
  /** Resident bytes at most: all pages at once would take 30 MB more, a process that does nothing half of it. */
  const BUDGET = 250 * MB;

  it('stays under its budget while eight tables of wide rows go into a slow database', async () => {
    await using bench = await openBench(TABLES, {
      // A small nursery: otherwise it is shown how lazily Node collects rather than what is held.
      NODE_OPTIONS: `--max-old-space-size=192 --max-semi-space-size=4 --import=${WRITE_PEAK}`,
      MIRRORVERSE_PAGE_BYTES: '4MiB',
      MIRRORVERSE_MEMORY: '16MiB',
    });
    const { emulator, cli, database } = bench;
    const text = randomText(200 * KB);
    for (const name of TABLES) {
      emulator.store.addTable(wideTable(`new_Wide${name.slice(-1)}`));
      for (let row = 0; row < ROWS; row++) emulator.store.insert(name, { new_text: text });
    }
    await using proxy = await FaultProxy.between(database.url);
    proxy.bandwidth = 6 * MB;
    const peak = join(cli.directory, 'peak');
    const environment = { DATABASE_URL: proxy.url(database.url), PEAK_MEMORY_FILE: peak };
    expect(await cli.run(['sync'], environment)).toMatchObject({ status: 0 });
    expect(Number(await readFile(peak, 'utf8')) * 1024).toBeLessThan(BUDGET);
    for (const name of TABLES) {
      expect(await database.query(`SELECT FROM dataverse."${name}"`)).toHaveLength(ROWS);
    }
  });
});

/** Text that no compression makes small. */
function randomText(length: number): string {
  let text = '';
  while (text.length < length) text += Math.random().toString(36).slice(2);
  return text.slice(0, length);
}
