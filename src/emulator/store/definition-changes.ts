import type { Column } from '../definitions/column.ts';
import { withCompanions } from '../table-parts/companion-columns.ts';
import type { Option, OptionSet } from '../definitions/option-set.ts';
import { stableGuid } from '../definitions/metadata-members.ts';
import { columnNamed, type TableDefinition } from '../definitions/emulated-table.ts';
import type { AttributeKind } from '../definitions/attribute-kind.ts';

/** Changes of a column. Its name cannot change. */
export type ColumnChanges = Partial<Omit<Column, 'logicalName' | 'schemaName'>>;

/**
 * The columns of a table with a new one and its companions.
 *
 * @param ordinal how many columns were made before. It only grows, so that two columns of one name have two ids.
 */
export function withAddedColumn(table: TableDefinition, column: Column, ordinal: number): Column[] {
  return [...table.columns, ...made(table, column, ordinal)];
}

/** A column with its companions, under ids that no earlier column had. */
function made({ logicalName: table }: TableDefinition, column: Column, ordinal: number): Column[] {
  return withCompanions([column]).map((each) => ({
    ...each,
    metadataId: stableGuid(`attribute:${table}.${each.logicalName}:${ordinal}`),
  }));
}

/**
 * The columns of a table with one of them changed in place. Throws if there is no such column. A live column keeps
 * its kind, so another kind means a new column, whose id needs `ordinal`.
 */
export function withColumn(
  table: TableDefinition,
  logicalName: string,
  changes: ColumnChanges,
  ordinal = 0,
): Column[] {
  const before = requiredColumn(table, logicalName);
  const changed = { ...before, ...changes };
  const { recorded: _, ...modelled } = changed;
  // The recorded members of a live column belong to its old type.
  const isRetyped = changed.kind !== before.kind || changed.behavior !== before.behavior;
  const after: Column = isRetyped ? modelled : changed;
  if (after.kind === before.kind) return table.columns.map((each) => (each === before ? after : each));
  // Companions follow from the kind: a choice has a label beside it, a number has none.
  return table.columns
    .filter((each) => each.attributeOf !== logicalName)
    .flatMap((each) => (each === before ? made(table, after, ordinal) : [each]));
}

/** The columns of a table without one of them and its companions. Throws when there is no such column. */
export function withoutColumn(table: TableDefinition, logicalName: string): Column[] {
  requiredColumn(table, logicalName);
  return table.columns.filter((each) => each.logicalName !== logicalName && each.attributeOf !== logicalName);
}

/** The option set of a column. Throws when the column has none. */
export function optionSetOf(table: TableDefinition, logicalName: string): OptionSet {
  const { optionSet } = requiredColumn(table, logicalName);
  if (optionSet === null) throw new Error(`${table.logicalName}.${logicalName} has no options`);
  return optionSet;
}

/** An option set with an option replaced, or with a new one at its end. */
export function withOption(set: OptionSet, option: Option): OptionSet {
  const known = set.options.some((each) => each.value === option.value);
  const options = known
    ? set.options.map((each) => (each.value === option.value ? { ...each, ...option } : each))
    : [...set.options, option];
  return { ...set, options };
}

/**
 * The columns of a table after a change of an option set, or null if no column uses it. All columns with a global
 * set of one name share that set. Any other set belongs to one column.
 */
export function withOptionSet(
  table: TableDefinition,
  before: OptionSet,
  after: OptionSet,
): readonly Column[] | null {
  const uses = (column: Column): boolean =>
    column.optionSet === before ||
    (before.isGlobal && column.optionSet?.isGlobal === true && column.optionSet.name === before.name);
  if (!table.columns.some(uses)) return null;
  return table.columns.map((column) => (uses(column) ? { ...column, optionSet: after } : column));
}

function requiredColumn(table: TableDefinition, logicalName: string): Column {
  const column = columnNamed(table, logicalName);
  if (column === undefined) throw new Error(`${table.logicalName} has no column ${logicalName}`);
  return column;
}

const TEXTS: ReadonlySet<AttributeKind> = new Set(['String', 'Memo']);
const WHOLE: ReadonlySet<AttributeKind> = new Set(['Integer', 'BigInt']);
const NUMBERS: ReadonlySet<AttributeKind> = new Set(['Integer', 'BigInt', 'Decimal', 'Double', 'Money']);

/**
 * The new JSON literal of a value after its column got another kind or date behaviour.
 *
 * A text stays in another kind of text, and a whole number in another kind of number. A date loses its time or gets
 * midnight. Other values become null, because Dataverse changes a kind only by deleting the column and making a new
 * one of the same name.
 */
export function convertedLiteral(literal: string, from: Column, to: Column): string | null {
  if (from.kind === 'DateTime' && to.kind === 'DateTime') return convertedDate(literal, to);
  if (from.kind === to.kind) return literal;
  if (TEXTS.has(from.kind) && TEXTS.has(to.kind)) return literal;
  return WHOLE.has(from.kind) && NUMBERS.has(to.kind) ? literal : null;
}

function convertedDate(literal: string, to: Column): string {
  const value = JSON.parse(literal) as string;
  const [date = value] = value.split('T');
  if (to.behavior === 'DateOnly') return JSON.stringify(date);
  return value === date ? JSON.stringify(`${date}T00:00:00Z`) : literal;
}
