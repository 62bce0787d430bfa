import type pg from 'pg';
import { isUnseen, KEY_COLUMNS, keyColumns, keyParameters, sameKey, staging } from './merge-sql.ts';
import { columnName, type MirrorTable } from '../table/mirror-table.ts';
import { cellText, hasVersion, type PageRows } from '../../model/page.ts';
import { parseKey } from './row-key.ts';
import { valueHash } from '../copy/value-hash.ts';

/** Rows of a page that came without a version or without the table of a lookup. */
export interface LackingRows {
  /** Rows that must not be stored, by number, and why. */
  readonly refused: ReadonlyMap<number, string>;
  /** Lookups that came without their table in some rows; the known table stays for the same id. */
  readonly untyped: readonly LookupColumns[];
}

const NO_VERSION = 'no row version, so that nothing tells whether it is newer than the mirror';

/** Why a row of the page cannot be stored, whatever the mirror has of it. */
function reasonOf(mirror: MirrorTable, page: PageRows, row: number): string | undefined {
  const { versionField } = mirror;
  if (versionField !== undefined && isSet(page, row, versionField) && !hasVersion(page, row, versionField)) {
    return `column ${mirror.columns[versionField]?.name ?? ''}: not a row version`;
  }
  return page.incomplete?.get(row);
}

/** Whether every row could be stored if the mirror had none of them. */
export function areStorable(mirror: MirrorTable, page: PageRows): boolean {
  for (let row = 0; row < page.rows; row++) if (reasonOf(mirror, page, row) !== undefined) return false;
  return true;
}

/**
 * Decides about rows that lack something, by what the mirror has of them:
 *
 * - A row without a version cannot be compared. It is refused where the mirror's row has a version.
 * - A lookup without its table keeps the known table where the id is the same. Where the id is another one,
 *   the known table would be wrong and no table would lose it, so the row is refused.
 *
 * A row that the mirror does not have loses nothing when it is stored as it came.
 *
 * @param keys of the page's rows, in their order.
 * @param superseded rows that another row of the page replaces. They do not count, unless they were replaced
 *   because they had no version to compare.
 * @param hashKey of hashed lookups.
 * @param overUnseen as in `updateStaged`.
 */
export async function judgeLackingRows(
  client: pg.ClientBase,
  mirror: MirrorTable,
  page: PageRows,
  keys: readonly (string | null)[],
  superseded: ReadonlySet<number>,
  hashKey: string | undefined,
  overUnseen: string | undefined,
): Promise<LackingRows> {
  const refused = new Map<number, string>();
  const unversioned: number[] = [];
  const { versionField } = mirror;
  for (const [row, key] of keys.entries()) {
    if (key === null) continue;
    const reason = superseded.has(row) ? undefined : reasonOf(mirror, page, row);
    if (reason !== undefined) refused.set(row, reason);
    else if (versionField !== undefined && !isSet(page, row, versionField)) unversioned.push(row);
  }
  if (versionField !== undefined && unversioned.length > 0) {
    const versioned = new Set(keys.filter((_, row) => isSet(page, row, versionField)));
    for (const row of unversioned) if (versioned.has(keys[row] ?? null)) refused.set(row, NO_VERSION);
  }
  const given = (rows: readonly number[]): unknown[] =>
    keyParameters(
      mirror,
      rows.flatMap((row) => parseKey(keys[row] ?? '') ?? []),
    );
  if (versionField !== undefined && unversioned.length > 0) {
    const statement = versionedRows(mirror, versionField, overUnseen);
    const { rows } = await client.query<{ at: number }>(statement, given(unversioned));
    for (const { at } of rows) {
      const row = unversioned[at - 1];
      if (row !== undefined && !superseded.has(row)) refused.set(row, NO_VERSION);
    }
  }
  const untyped: LookupColumns[] = [];
  for (const lookup of lookupColumns(mirror)) {
    const lacking = [...keys.keys()].filter(
      (row) =>
        keys[row] !== null &&
        !superseded.has(row) &&
        isSet(page, row, lookup.id) &&
        !isSet(page, row, lookup.type),
    );
    if (lacking.length === 0) continue;
    untyped.push(lookup);
    const { rows } = await client.query<{ at: number; id: string | null }>(
      knownTypes(mirror, lookup),
      given(lacking),
    );
    for (const { at, id } of rows) {
      const row = lacking[at - 1];
      if (row === undefined || id === idText(mirror, page, row, lookup.id, hashKey)) continue;
      const name = mirror.columns[lookup.type]?.name ?? '';
      refused.set(row, `column ${name}: the lookup has another id, and came without the table that it is of`);
    }
  }
  return { refused, untyped };
}

/** Finds the lookups with a companion column: a column that cannot be selected by itself. */
function lookupColumns({ columns }: MirrorTable): LookupColumns[] {
  return columns.flatMap((column, type) => {
    if (column.selectable) return [];
    const id = columns.findIndex(({ attribute, selectable }) => selectable && attribute === column.attribute);
    return id === -1 ? [] : [{ id, type }];
  });
}

/** The id of a lookup, as the mirror has it. */
function idText(
  mirror: MirrorTable,
  page: PageRows,
  row: number,
  field: number,
  hashKey: string | undefined,
): string | null {
  if (mirror.columns[field]?.type !== 'hash') return cellText(page, row, field)?.toLowerCase() ?? null;
  const at = 2 * (row * page.width + field);
  const literal = page.bytes.subarray(page.cells[at], page.cells[at + 1]);
  return hashKey === undefined ? null : (valueHash(hashKey, literal) ?? null);
}

function isSet({ cells, width }: PageRows, row: number, field: number): boolean {
  return cells[2 * (row * width + field)] !== 0;
}

/** SQL: which rows of `keyParameters` the mirror has with a version, by their place in the list. */
export function versionedRows(mirror: MirrorTable, versionField: number, overUnseen?: string): string {
  // A row that is not among the seen keys has a version from a time that the environment went back from.
  const isMeant = overUnseen === undefined ? 'true' : `NOT ${isUnseen(mirror, overUnseen)}`;
  return `SELECT r.at::int AS at FROM ${givenRows(mirror)} JOIN ${mirror.qualified} m ON ${sameKey(mirror, 'r', KEY_COLUMNS)}
    WHERE m.${columnName(mirror, versionField)} IS NOT NULL AND ${isMeant}`;
}

/** A lookup that says which table its id belongs to: the positions of both columns. */
export interface LookupColumns {
  readonly id: number;
  readonly type: number;
}

/**
 * SQL: of the rows whose keys are in `keyParameters`, those for which the mirror knows the table of a lookup,
 * by their place in the list, with the id of the lookup.
 */
export function knownTypes(mirror: MirrorTable, { id, type }: LookupColumns): string {
  return `SELECT r.at::int AS at, m.${columnName(mirror, id)}::text AS id
    FROM ${givenRows(mirror)} JOIN ${mirror.qualified} m ON ${sameKey(mirror, 'r', KEY_COLUMNS)}
    WHERE m.${columnName(mirror, type)} IS NOT NULL`;
}

/** SQL: gives staged rows that came without a lookup's table the one that the mirror has for the same id. */
export function keepTypes(mirror: MirrorTable, { id, type }: LookupColumns): string {
  const [idName, typeName] = [columnName(mirror, id), columnName(mirror, type)];
  return `UPDATE ${staging(mirror)} s SET ${typeName} = m.${typeName} FROM ${mirror.qualified} m
    WHERE ${sameKey(mirror, 's', keyColumns(mirror))}
      AND s.${typeName} IS NULL AND m.${typeName} IS NOT NULL AND s.${idName} = m.${idName}`;
}

/** SQL: the keys in `keyParameters`, with their places, which begin with 1. */
function givenRows(mirror: MirrorTable): string {
  return mirror.partitionField === undefined
    ? 'unnest($1::uuid[]) WITH ORDINALITY AS r(key, at)'
    : 'unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS r(key, partition, at)';
}
