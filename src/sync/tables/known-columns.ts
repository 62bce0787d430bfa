import { definitionOdd } from '../../dataverse/metadata/mirrorable-table.ts';
import type { Column, Table } from '../../model/table.ts';

/**
 * The table as the environment describes it now. Attributes with an odd definition keep the columns that were
 * known before, because an odd definition must not look like a column that was removed or retyped.
 *
 * @throws Failure `definition-odd` if key, version or partition would be other columns than before.
 */
export function withKnownColumns(read: Table, known: Table | undefined): Table {
  if (known === undefined) return read;
  assertSameKey(read, known);
  const { odd = [], assumed = [] } = read;
  if (odd.length === 0 && assumed.length === 0) return read;
  const present = new Set(read.columns.map(({ attribute }) => attribute));
  const named = new Set(odd.map(({ name }) => name));
  // An odd attribute without a name may be any attribute that is missing.
  const isOdd = ({ attribute }: Column): boolean =>
    named.has(attribute) || (named.has(null) && !present.has(attribute));
  const typesBefore = new Set(known.columns.map(typed));
  const isAssumed = (column: Column): boolean =>
    assumed.includes(column.attribute) && typesBefore.has(typed(column));
  const doubted = new Set(read.columns.filter(isAssumed).map(({ attribute }) => attribute));
  const kept = known.columns.filter((column) => isOdd(column) || doubted.has(column.attribute));
  const replaced = new Set(kept.map(({ attribute }) => attribute));
  return {
    ...read,
    columns: [...read.columns.filter(({ attribute }) => !replaced.has(attribute)), ...kept],
  };
}

function typed({ attribute, attributeType = '' }: Column): string {
  return `${attribute} ${attributeType}`;
}

/** The names of odd attributes that have no column, neither now nor before. */
export function leftOut(table: Table): string[] {
  const present = new Set(table.columns.map(({ attribute }) => attribute));
  return (table.odd ?? []).flatMap(({ name }) => (name === null || present.has(name) ? [] : [name]));
}

/** Key, version and partition never change, unless the table was removed and made anew. */
function assertSameKey(read: Table, known: Table): void {
  const isAnother = read.metadataId !== undefined && read.metadataId !== known.metadataId;
  if (isAnother && known.metadataId !== undefined) return;
  const before = fixedColumns(known);
  const now = fixedColumns(read);
  if (before === now) return;
  throw definitionOdd(read.logicalName, `its rows were told apart by ${before}, and now by ${now}`);
}

function fixedColumns({ key, version, partition }: Table): string {
  return [key, version, partition].filter((name) => name !== undefined).join(', ');
}
