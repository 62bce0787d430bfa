import { wireProperty, type Column } from './column.ts';
import type { DataverseStore } from './dataverse-store.ts';
import type { Random } from './random.ts';
import { seedText } from './seed-string.ts';
import { HARD_NUMBERS } from './seed-text.ts';
import type { TableData } from './table-data.ts';
import { columnNamed } from './table-definition.ts';
import type { WireInput } from './wire-value.ts';

/** Columns the store or the currency fills, never the generator. */
const LEFT_TO_OTHERS = new Set(['versionnumber', 'createdon', 'modifiedon', 'owningteam', 'owningbusinessunit']);
const ALWAYS_FILLED = new Set(['ownerid', 'statecode', 'statuscode', 'transactioncurrencyid', 'exchangerate']);
const FIRST_DAY = Date.UTC(2019, 0, 1);

/** Values for one invented row. The first rows of a table go through all the values that are hard to carry. */
export function seedRow(
  store: DataverseStore,
  data: TableData,
  index: number,
  random: Random,
): Record<string, WireInput> {
  const values: Record<string, WireInput> = {};
  for (const column of data.rowColumns) {
    if (column.isPrimaryId || LEFT_TO_OTHERS.has(column.logicalName)) continue;
    const filled = column.isPrimaryName || ALWAYS_FILLED.has(column.logicalName) || index < 20;
    if (!filled && random.chance(0.35)) continue;
    if (column.calculationOf !== null) continue;
    const value = seedValue(store, data, column, index, random);
    if (value !== null) values[wireProperty(column)] = value;
  }
  alignStatus(data, values, random);
  alignMoney(data, values);
  return values;
}

/** A value for one column, or null where there is nothing to point at. */
export function seedValue(
  store: DataverseStore,
  data: TableData,
  column: Column,
  index: number,
  random: Random,
): WireInput {
  switch (column.kind) {
    case 'String':
    case 'Memo':
      return seedText(column, index, random);
    case 'Integer':
    case 'BigInt':
    case 'Double':
    case 'Decimal':
    case 'Money':
      return { number: seedNumber(column, index, random) };
    case 'Boolean':
      return random.chance(0.3);
    case 'DateTime':
      return seedDate(column, random);
    case 'Uniqueidentifier':
      return data.definition.intersects === null ? random.guid() : seedEnd(store, column, random);
    case 'Lookup':
    case 'Customer':
    case 'Owner':
      return seedLookup(store, column, random);
    case 'Picklist':
    case 'State':
    case 'Status':
      return random.pick(column.optionSet?.options ?? []).value;
    case 'MultiSelectPicklist':
      return seedChoices(column, random);
    case 'Image':
      return random.chance(0.9) ? null : 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
    case 'File':
      return random.guid();
    case 'EntityName':
      return data.definition.logicalName;
    case 'ManagedProperty':
      return {
        json: `{"Value":${random.chance(0.5)},"CanBeChanged":true,"ManagedPropertyLogicalName":"iscustomizable"}`,
      };
    case 'PartyList':
    case 'Virtual':
      return null;
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
  return HARD_NUMBERS.Decimal[index] ?? `${random.integer(0, 999)}.${random.integer(1_000_000, 9_999_999)}000`;
}

function seedDate(column: Column, random: Random): string {
  const early = column.behavior === 'DateOnly' && random.chance(0.02);
  if (early) return '1753-01-01';
  const text = new Date(FIRST_DAY + random.integer(0, 200_000_000) * 1000).toISOString();
  return column.behavior === 'DateOnly' ? text.slice(0, 10) : `${text.slice(0, 19)}Z`;
}

function seedLookup(store: DataverseStore, column: Column, random: Random): WireInput {
  const table = random.pick(column.targets);
  if (!store.has(table)) return table === 'businessunit' ? store.businessUnitId : null;
  const id = store.data(table).anyId(random);
  if (id !== undefined) return { table, id };
  const other = column.targets.find((each) => store.has(each) && store.data(each).rows.size > 0);
  const otherId = other === undefined ? undefined : store.data(other).anyId(random);
  return other === undefined || otherId === undefined ? null : { table: other, id: otherId };
}

/** An end of an N:N row: a plain GUID column named like the primary id of the table it points at. */
function seedEnd(store: DataverseStore, column: Column, random: Random): string {
  const table = column.logicalName.slice(0, -2);
  const id = store.has(table) ? store.data(table).anyId(random) : undefined;
  return id ?? random.guid();
}

function seedChoices(column: Column, random: Random): string | null {
  const chosen = (column.optionSet?.options ?? []).filter(() => random.chance(0.4));
  return chosen.length === 0 ? null : chosen.map((option) => option.value).join(',');
}

function alignStatus(data: TableData, values: Record<string, WireInput>, random: Random): void {
  const options = columnNamed(data.definition, 'statuscode')?.optionSet?.options.filter(
    (option) => option.state === values['statecode'],
  );
  if (options !== undefined && options.length > 0) values['statuscode'] = random.pick(options).value;
}

/** The twin in base currency; where there is no rate in play it is the same amount. */
function alignMoney(data: TableData, values: Record<string, WireInput>): void {
  for (const column of data.rowColumns) {
    if (column.calculationOf === null) continue;
    const amount = values[column.calculationOf];
    if (amount !== undefined) values[column.logicalName] = amount;
  }
}
