import type { Column } from '../definitions/column.ts';
import type { TableData } from '../store/table-data.ts';
import type { Random } from './random.ts';
import { textSeeder } from './text-seeder.ts';
import { HARD_CHOICES, HARD_DATES, HARD_GUIDS, HARD_NUMBERS, HARD_TIMES } from './hard-value.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';
import type { WireInput } from '../store/wire-value.ts';

/** The rows that invented lookups point at. */
export interface SeededStore {
  readonly businessUnitId: string;
  has(table: string): boolean;
  data(table: string): TableData;
}

/** Invents a value for one column. */
export type ValueSeeder = (index: number, random: Random) => WireInput;

const THUMBNAIL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const TWO_DIGITS = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'));

/** The function that invents values for a column. A lookup is null if there is no row to point at. */
export function valueSeeder(store: SeededStore, table: TableDefinition, column: Column): ValueSeeder {
  switch (column.kind) {
    case 'String':
    case 'Memo':
      return textSeeder(column);
    case 'Integer':
    case 'BigInt':
    case 'Double':
    case 'Decimal':
    case 'Money':
      return (index, random) => ({ number: seedNumber(column, index, random) });
    case 'Boolean':
      return (_, random) => random.chance(0.3);
    case 'DateTime':
      return (index, random) => seedDate(column.behavior === 'DateOnly', index, random);
    case 'Uniqueidentifier':
      return table.intersects === null
        ? (index, random) => HARD_GUIDS[index] ?? random.guid()
        : (_, random) => seedEnd(store, column, random);
    case 'Lookup':
    case 'Customer':
    case 'Owner':
      return (_, random) => seedLookup(store, column, random);
    case 'Picklist':
    case 'State':
    case 'Status': {
      const values = column.optionSet?.options.map((option) => option.value) ?? [];
      return (_, random) => random.pick(values.length === 0 ? HARD_CHOICES : values);
    }
    case 'MultiSelectPicklist':
      return (_, random) => seedChoices(column, random);
    case 'Image':
      return (_, random) => (random.chance(0.9) ? null : THUMBNAIL);
    case 'File':
      return (_, random) => random.guid();
    case 'EntityName':
      return column.logicalName === 'activitytypecode'
        ? () => table.logicalName
        : (_, random) => random.pick(['account', 'new_region', table.logicalName]);
    case 'ManagedProperty':
      return (index, random) => ({ json: seedManagedProperty(index, random.chance(0.5)) });
    case 'PartyList':
    case 'Virtual':
      return () => null;
  }
}

function seedNumber(column: Column, index: number, random: Random): string {
  if (column.logicalName === 'exchangerate') return random.chance(0.8) ? '1.000000000000' : '0.921500000000';
  if (column.kind === 'Integer') {
    if (column.minValue === '0') return String(random.integer(0, 100));
    return HARD_NUMBERS.Integer[index] ?? String(random.integer(0, 100_000));
  }
  if (column.kind === 'BigInt') {
    return HARD_NUMBERS.BigInt[index] ?? `6373883087${String(random.integer(10_000_000, 99_999_999))}`;
  }
  if (column.kind === 'Double') {
    if (column.maxValue === '90.0' || column.maxValue === '180.0') {
      return `${random.integer(-89, 89)}.${random.integer(1, 99_999)}`;
    }
    return HARD_NUMBERS.Double[index] ?? `${random.integer(0, 99_999)}.${random.integer(1, 9)}`;
  }
  if (column.kind === 'Money') {
    return (
      HARD_NUMBERS.Money[index] ??
      `${random.integer(0, 900_000)}.${String(random.integer(0, 9999)).padStart(4, '0')}000000`
    );
  }
  return (
    HARD_NUMBERS.Decimal[index] ?? `${random.integer(0, 999)}.${random.integer(1_000_000, 9_999_999)}000`
  );
}

function seedDate(dateOnly: boolean, index: number, random: Random): string {
  const hard = dateOnly ? HARD_DATES[index] : HARD_TIMES[index];
  if (hard !== undefined) return hard;
  const two = (lowest: number, highest: number): string =>
    TWO_DIGITS[random.integer(lowest, highest)] ?? '01';
  const date = `${random.integer(2019, 2025)}-${two(1, 12)}-${two(1, 28)}`;
  return dateOnly ? date : `${date}T${two(0, 23)}:${two(0, 59)}:${two(0, 59)}Z`;
}

function seedLookup(store: SeededStore, column: Column, random: Random): WireInput {
  if (column.targets.length === 0) return random.guid();
  const table = random.pick(column.targets);
  if (table === 'businessunit' && !store.has(table)) return store.businessUnitId;
  // A row of a table that the model leaves out.
  if (!store.has(table)) return { table, id: random.guid() };
  const id = store.data(table).anyId(random);
  if (id !== undefined) return { table, id };
  const other = column.targets.find((each) => store.has(each) && store.data(each).rows.size > 0);
  const otherId = other === undefined ? undefined : store.data(other).anyId(random);
  return other === undefined || otherId === undefined ? null : { table: other, id: otherId };
}

/** An end of an N:N row: a plain GUID column named like the primary id of the table it points at. */
function seedEnd(store: SeededStore, column: Column, random: Random): string {
  const table = column.logicalName.slice(0, -2);
  const id = store.has(table) ? store.data(table).anyId(random) : undefined;
  return id ?? random.guid();
}

/** The members come in two orders, in turn. */
function seedManagedProperty(index: number, value: boolean): string {
  const name = '"ManagedPropertyLogicalName":"iscustomizable"';
  return index % 2 === 0
    ? `{"Value":${value},"CanBeChanged":true,${name}}`
    : `{"CanBeChanged":false,${name},"Value":${value}}`;
}

function seedChoices(column: Column, random: Random): string | null {
  if (column.optionSet === null) return random.chance(0.2) ? null : '0,100000000,-1';
  const chosen = (column.optionSet?.options ?? []).filter(() => random.chance(0.4));
  return chosen.length === 0 ? null : chosen.map((option) => option.value).join(',');
}
