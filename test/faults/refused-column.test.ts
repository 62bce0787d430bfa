import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { text } from '../../src/emulator/table-parts/column-kinds.ts';
import { auditColumns, primaryId } from '../../src/emulator/table-parts/standard-columns.ts';
import { checkTable } from '../../src/operations/check/check-table.ts';
import { ALL_COLUMNS } from '../../src/sync/tables/table-selection.ts';
import { never } from '../support/mirror.ts';
import { differences } from '../support/oracle.ts';
import { smallTable } from '../support/small-table.ts';
import { failures, SyncBench } from '../support/sync.ts';

/** Requests that one run may take for a column that is refused: a handful, and the way to its name. */
const HANDFUL = 30;

let bench: SyncBench;
beforeAll(async () => {
  const wide = smallTable('new_Wide', {
    columns: [
      primaryId('new_WideId', ['Wide', 'Wide']),
      text('new_Name', ['Name', 'Name'], 100, { isPrimaryName: true }),
      ...Array.from({ length: 60 }, (_, at) => text(`new_Text${at}`, [`Text ${at}`, `Text ${at}`])),
      ...auditColumns(),
    ],
  });
  // It drops the schemas between tests, which only their makers may make anew.
  bench = await SyncBench.open({ tables: [wide, smallTable('new_Other')] }, 'administrator');
  bench.emulator.store.seed('new_wide', 5);
  bench.emulator.store.seed('new_other', 5);
});
beforeEach(async () => {
  bench.emulator.faults.clear();
  await bench.database.query('DROP SCHEMA IF EXISTS dataverse, mirrorverse CASCADE');
});
afterAll(async () => bench[Symbol.asyncDispose]());

/** Every query for rows that names one of these columns is refused. */
function refuse(...properties: readonly string[]): void {
  const path = new RegExp(`/new_wides\\?.*(${properties.join('|')})(,|&|$)`);
  bench.emulator.faults.add({
    match: { path },
    // A text in another language, which names something else.
    do: { status: 400, code: '0x80060888', message: "Eine Eigenschaft namens 'new_name' gibt es nicht." },
  });
}

async function failureOf(columns = {}): Promise<{ code?: string; message?: string; remedy?: string }> {
  const results = await bench.sync(['new_wide', 'new_other'], { columns });
  expect(failures(results)).not.toHaveProperty('new_other');
  const failure = results.find(({ table }) => table === 'new_wide')?.failure;
  return failure ?? {};
}

it.each([['new_text41'], ['new_text0'], ['_createdby_value']])(
  'a column that every query refuses is named, with the setting that leaves it out: %s',
  async (property) => {
    refuse(property);
    const name = property.replace(/^_(.*)_value$/, '$1');
    const { requests } = bench.emulator;
    requests.clear();
    const { code, message, remedy } = await failureOf();
    expect(code).toBe('column-refused');
    expect(message).toContain(`column ${name} of table new_wide`);
    expect(remedy).toContain(`name it in columns.exclude of table new_wide`);
    expect(requests.find({ table: 'new_wide' }).length).toBeLessThan(HANDFUL);
    expect(await failureOf({ exclude: [name] })).toEqual({});
    expect(await bench.database.query('SELECT FROM dataverse.new_wide')).toHaveLength(5);
  },
);

it('several columns that every query refuses are named at once', async () => {
  refuse('new_text3', 'new_text4', 'new_text59');
  const { code, remedy } = await failureOf();
  expect(code).toBe('column-refused');
  expect(remedy).toContain('new_text3, new_text4, new_text59');
});

it('a column that is refused is looked for once, not by every run, and the table goes on when the column is accepted again', async () => {
  refuse('new_text7');
  await using session = await bench.session(['new_wide']);
  await session.sync();
  const { requests, faults, store } = bench.emulator;
  requests.clear();
  expect(failures(await session.sync())).toEqual({ new_wide: 'column-refused' });
  expect(requests.find({ table: 'new_wide' }).length).toBeLessThan(8);
  faults.clear();
  expect(failures(await session.sync())).toEqual({});
  expect(await differences(store, bench.database, 'new_wide')).toEqual([]);
});

it('a table that follows changes reports by name a column that is refused from now on', async () => {
  await bench.sync(['new_wide']);
  bench.emulator.faults.add({
    match: { path: /new_wides\?.*new_text9(,|%2C|&|$)/i },
    do: { status: 400, code: '0x80060888', message: 'no' },
  });
  expect(await failureOf()).toMatchObject({
    code: 'column-refused',
    remedy: expect.stringContaining('new_text9') as string,
  });
});

it('a refusal of every query, that for the key included, is not taken for the refusal of a column', async () => {
  bench.emulator.faults.add({
    match: { path: '/new_wides?' },
    do: { status: 400, code: '0x80040216', message: 'no' },
  });
  expect(await failureOf()).toMatchObject({ code: 'request-refused' });
});

it('check names a column that every query refuses, and one that is odd', async () => {
  const dataverse = bench.dataverse();
  try {
    const entry = { name: 'new_wide', mode: 'changes' as const, schedule: '* * * * *', columns: ALL_COLUMNS };
    const mirror = { pool: bench.database.pool, schema: 'dataverse', stateSchema: 'mirrorverse' };
    refuse('new_text5');
    const [finding] = await checkTable(dataverse, entry, undefined, mirror, never);
    expect(finding).toMatchObject({ ok: false, code: 'column-refused' });
    bench.emulator.faults.clear();
    bench.emulator.faults.add({
      match: { path: 'Attributes?' },
      do: {
        transform: (json) => ({
          value: (json as { value: Record<string, unknown>[] }).value.map((item) =>
            item['LogicalName'] === 'new_text6' ? { ...item, IsValidForRead: 7 } : item,
          ),
        }),
      },
    });
    dataverse.metadata.forget('new_wide');
    const findings = await checkTable(dataverse, entry, undefined, mirror, never);
    expect(findings.filter(({ ok }) => !ok)).toMatchObject([
      { code: 'column-odd', message: expect.stringContaining('new_text6') as string },
    ]);
  } finally {
    await dataverse.close();
  }
});
