import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DataverseOptions } from '../../src/dataverse/dataverse.ts';
import { memo } from '../../src/emulator/table-parts/column-kinds.ts';
import { primaryId, versionNumber } from '../../src/emulator/table-parts/standard-columns.ts';
import { parsePrefer } from '../../src/emulator/web-api/prefer-header.ts';
import { smallTable } from '../support/small-table.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';
import { syncJson, type SyncEntry } from '../support/bench.ts';
import { CommandLine } from '../support/command-line.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';
import { WideSource } from '../support/wide-source.ts';

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

describe('a page and its memory', () => {
  it('a page of wide rows is broken off and asked for again with as many rows as fit, and the chain never grows again', async () => {
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

  it('a page with one row that is larger than its whole limit still comes', async () => {
    await using bench = await opened(40, (row) => (row === 17 ? 600 * KB : KB));
    const dataverse = bench.dataverse(limits(200 * KB));
    expect(failures(await bench.sync(['new_wide'], { dataverse }))).toEqual({});
    expect(await differences(bench.emulator.store, bench.database, 'new_wide')).toEqual([]);
    // That row has not made pages of single rows out of the rest.
    expect(askedFor(bench, 'new_wide').length).toBeLessThan(10);
  });

  it('a page with a row larger than any limit stops the table, and the failure names the way out', async () => {
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

  it('a page of a chain that another process began with fewer rows has no more of them', async () => {
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

  it('a page that times out in the database is halved at once, until it comes', async () => {
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
  const MEMORY = 64 * 1024 * 1024;

  interface Synced {
    readonly tables: readonly SyncEntry[];
    /** Bytes that the process had resident at most. */
    readonly peak: number;
  }

  async function synced(
    source: WideSource,
    database: TestDatabase,
    names: readonly string[],
  ): Promise<Synced> {
    const bench = { url: source.url, database };
    await using cli = await CommandLine.open(
      mirrorEnvironment(bench, names, {
        MIRRORVERSE_MEMORY: '64MiB',
        NODE_OPTIONS: `--import=${WRITE_PEAK}`,
      }),
    );
    const file = join(cli.directory, 'peak');
    const { tables } = await syncJson(cli, ['sync'], { PEAK_MEMORY_FILE: file });
    return { tables, peak: Number(await readFile(file, 'utf8')) * 1024 };
  }

  it('the memory of a process stays within twice limits.memory and 150 MB while seven tables have pages of 36 MB', async () => {
    const names = Array.from({ length: 7 }, (_, at) => `new_wide${at}`);
    await using database = await freshDatabase();
    await using source = await WideSource.open({ names, rows: 100, width: 360 * KB });
    const { tables, peak } = await synced(source, database, names);
    expect(tables.map(({ error, rowsWritten }) => [error, rowsWritten])).toEqual(
      names.map(() => [null, 100]),
    );
    expect(peak).toBeLessThan(2 * MEMORY + 150 * MB);
  }, 120_000);

  it('the memory of a process stays bounded while eight tables send small answers that decompress to much, and only those tables stop', async () => {
    const names = Array.from({ length: 8 }, (_, at) => `new_bomb${at}`);
    await using database = await freshDatabase();
    await using source = await WideSource.open(
      { names, rows: 1, width: 80 * MB, compressed: true },
      { names: ['new_small'], rows: 3, width: 100 },
    );
    const { tables, peak } = await synced(source, database, [...names, 'new_small']);
    const failed = tables.filter(({ error }) => error !== null);
    expect(failed.map(({ table, error }) => [table, error?.code])).toEqual(
      names.map((name) => [name, 'row-too-large']),
    );
    for (const { table, error } of failed) expect(error?.message).toContain(table);
    expect(await database.query('SELECT FROM dataverse.new_small')).toHaveLength(3);
    expect(peak).toBeLessThan(2 * MEMORY + 150 * MB);
    // One that is given up for want of memory, and one that has all of it.
    for (const name of names) expect(source.requests.get(name)).toBeLessThanOrEqual(2);
  }, 120_000);
});
