import { expect, test } from 'vitest';
import { DataverseStore } from '../../src/emulator/store/dataverse-store.ts';
import { HARD_TEXTS, LONG_TEXT } from '../../src/emulator/seeding/hard-text.ts';
import { HARD_NUMBERS, HARD_TIMES } from '../../src/emulator/seeding/hard-value.ts';
import { recordedTable } from '../support/recorded.ts';

/** Every literal that the first rows of a table have in a column. */
function literals(table: string, column: string): Set<string | null> {
  const definition = recordedTable(table);
  const store = new DataverseStore({ tables: [definition] });
  store.seed(definition.logicalName, HARD_TEXTS.length + 1);
  const rows = [...store.truth(definition.logicalName).values()];
  return new Set(rows.map((row) => row.get(column) ?? null));
}

test('hard texts can be stored in PostgreSQL', () => {
  for (const text of [...HARD_TEXTS, LONG_TEXT]) {
    expect(text.isWellFormed()).toBe(true);
    expect(text).not.toContain('\0');
  }
  expect(Buffer.byteLength(LONG_TEXT)).toBeGreaterThan(100_000);
});

test('the first rows of any table use every hard value', () => {
  const notes = literals('annotation', 'notetext');
  for (const text of [...HARD_TEXTS, LONG_TEXT]) expect(notes).toContain(JSON.stringify(text));
  const amounts = literals('opportunity', 'estimatedvalue');
  for (const number of HARD_NUMBERS.Money) expect(amounts).toContain(number);
  const times = literals('task', 'actualend');
  for (const time of HARD_TIMES) expect(times).toContain(JSON.stringify(time));
});
