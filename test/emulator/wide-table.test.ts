import { expect, it } from 'vitest';
import { integer, text } from '../../src/emulator/table-parts/column-kinds.ts';
import { primaryId, versionNumber } from '../../src/emulator/table-parts/standard-columns.ts';
import { defineTable } from '../../src/emulator/table-parts/built-in-table.ts';
import type { TableDefinition } from '../../src/emulator/definitions/emulated-table.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

/** A table of so many columns in all; PostgreSQL takes 1,600, two of which are the mirror's own. */
function wideTable(columns: number): TableDefinition {
  const own = 3;
  return defineTable({
    schemaName: 'new_Wide',
    entitySetName: 'new_wides',
    objectTypeCode: 10_900,
    displayName: ['Wide', 'Breit'],
    displayCollectionName: ['Wides', 'Breite'],
    columns: [
      primaryId('new_WideId', ['Wide', 'Breit']),
      text('new_Name', ['Name', 'Name'], 100, { isPrimaryName: true }),
      versionNumber(),
      ...Array.from({ length: columns - own }, (_, at) => integer(`new_Number${at}`, [`${at}`, `${at}`])),
    ],
  });
}

async function opened(columns: number): Promise<SyncBench> {
  const bench = await SyncBench.open({ tables: [wideTable(columns)] });
  const { store } = bench.emulator;
  store.insert('new_wide', { new_name: 'first', new_number0: 1 });
  store.insert('new_wide', { new_name: 'last', [`new_number${columns - 4}`]: 2 });
  return bench;
}

it('a table of 1,598 columns is mirrored', async () => {
  await using bench = await opened(1_598);
  expect(failures(await bench.sync(['new_wide'], { labels: { viewSchema: 'dataverse_labeled' } }))).toEqual(
    {},
  );
  bench.emulator.store.insert('new_wide', { new_name: 'later', new_number7: 3 });
  expect(failures(await bench.sync(['new_wide']))).toEqual({});
  expect(await differences(bench.emulator.store, bench.database, 'new_wide')).toEqual([]);
  expect(await bench.database.query('SELECT FROM dataverse_labeled.new_wide')).toHaveLength(3);
});

it('one column more stops the table, until enough are left out by the pattern that the failure names', async () => {
  await using bench = await opened(1_599);
  const [result] = await bench.sync(['new_wide']);
  expect(result?.failure).toMatchObject({ code: 'too-many-columns', reaction: 'stop-table' });
  expect(result?.failure?.remedy).toContain('columns.exclude of table new_wide');
  const columns = { exclude: ['new_number1?'] };
  expect(failures(await bench.sync(['new_wide'], { columns }))).toEqual({});
  expect(await bench.database.query('SELECT FROM dataverse.new_wide')).toHaveLength(2);
});
