import type { Column } from '../definitions/column.ts';
import type { DataverseStore } from '../store/dataverse-store.ts';
import { isLookupKind } from '../definitions/attribute-kind.ts';
import { userText } from '../definitions/metadata-members.ts';

/** The text that a user of the organization sees, or null if the platform does not format such values. */
export function formattedValue(
  store: DataverseStore,
  column: Column,
  literal: string,
  lookupTable: string | undefined,
): string | null {
  if (isLookupKind(column.kind)) return lookupName(store, literal, lookupTable);
  switch (column.kind) {
    case 'Boolean':
      return optionLabel(column, literal === 'true' ? '1' : '0');
    case 'Picklist':
    case 'State':
    case 'Status':
      return optionLabel(column, literal);
    case 'MultiSelectPicklist':
      return (JSON.parse(literal) as string)
        .split(',')
        .map((value) => optionLabel(column, value) ?? value)
        .join('; ');
    case 'DateTime':
      return dateText(JSON.parse(literal) as string);
    case 'Money':
      return `$${grouped(literal, 2)}`;
    case 'Integer':
    case 'BigInt':
      return grouped(literal, 0);
    case 'Decimal':
    case 'Double':
      return grouped(literal, column.precision ?? 2);
    case 'EntityName':
      return JSON.parse(literal) as string;
    default:
      return null;
  }
}

function optionLabel(column: Column, value: string): string | null {
  return userText(column.optionSet?.options.find((option) => String(option.value) === value)?.label ?? null);
}

/** A lookup shows the primary name of its target row. That name can change while this row does not. */
function lookupName(store: DataverseStore, literal: string, table: string | undefined): string | null {
  if (table === undefined || !store.has(table)) return null;
  const data = store.data(table);
  const name = data.definition.primaryNameAttribute;
  const position = name === null ? undefined : data.positions.get(name);
  const row = data.rows.get(JSON.parse(literal) as string);
  const text = position === undefined ? null : (row?.literals[position] ?? null);
  return text === null ? null : (JSON.parse(text) as string);
}

function dateText(value: string): string {
  const [year, month, day] = value.slice(0, 10).split('-').map(Number);
  const date = `${month}/${day}/${year}`;
  if (value.length === 10) return date;
  const hour = Number(value.slice(11, 13));
  return `${date} ${hour % 12 === 0 ? 12 : hour % 12}:${value.slice(14, 16)} ${hour < 12 ? 'AM' : 'PM'}`;
}

function grouped(literal: string, decimals: number): string {
  const negative = literal.startsWith('-');
  const [whole = '0', fraction = ''] = (negative ? literal.slice(1) : literal).split('.');
  const text = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',');
  const shown = decimals > 0 ? `${text}.${fraction.padEnd(decimals, '0').slice(0, decimals)}` : text;
  return negative ? `-${shown}` : shown;
}
