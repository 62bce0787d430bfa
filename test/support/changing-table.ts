import type { DataverseStore } from '../../src/emulator/store/dataverse-store.ts';
import { decimal, double, integer, text } from '../../src/emulator/table-parts/column-kinds.ts';
import { columnNamed } from '../../src/emulator/definitions/emulated-table.ts';
import { smallTable } from './small-table.ts';

/** A table whose columns come, go and change. */
export const CAR = 'new_car';

/** Those columns, each in two types. */
const KINDS = {
  new_a: [integer('new_A', ['A', 'A']), decimal('new_A', ['A', 'A'], 4)],
  new_b: [text('new_B', ['B', 'B'], 50), integer('new_B', ['B', 'B'])],
  new_c: [double('new_C', ['C', 'C']), text('new_C', ['C', 'C'], 50)],
} as const;

export type CarColumn = keyof typeof KINDS;
export const CAR_COLUMNS = Object.keys(KINDS) as CarColumn[];

export function hasColumn(store: DataverseStore, name: CarColumn): boolean {
  return columnNamed(store.data(CAR).definition, name) !== undefined;
}

/** A column in one of its types: added where it is not, changed where it is of the other. */
export function defineColumn(store: DataverseStore, name: CarColumn, kind: 0 | 1): void {
  const column = KINDS[name][kind];
  if (!hasColumn(store, name)) store.addColumn(CAR, column);
  else store.retypeColumn(CAR, name, column);
}

/** A value for each column that a row has by now. */
export function carValues(store: DataverseStore, number: number): Record<string, string | number> {
  const present = CAR_COLUMNS.filter((name) => hasColumn(store, name));
  return {
    new_name: `name ${number}`,
    ...Object.fromEntries(present.map((name) => [name, valueOf(store, name, number)])),
  };
}

function valueOf(store: DataverseStore, name: CarColumn, number: number): string | number {
  const kind = columnNamed(store.data(CAR).definition, name)?.kind;
  return kind === 'String' ? `text ${number}` : number;
}

/** Makes the table with 50 rows and two of the columns; returns the ids. */
export function addCars(store: DataverseStore): string[] {
  store.addTable(smallTable('new_Car'));
  defineColumn(store, 'new_a', 0);
  defineColumn(store, 'new_b', 0);
  return Array.from({ length: 50 }, (_, at) => store.insert(CAR, carValues(store, at)));
}
