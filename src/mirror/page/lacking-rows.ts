import type pg from 'pg';
import { cellText, hasVersion, type PageRows } from '../../model/page.ts';
import { knownTypes, versionedRows, type LookupColumns } from './lacking-sql.ts';
import { keyParameters } from './merge-sql.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import { parseKey } from './row-key.ts';
import { valueHash } from '../copy/value-hash.ts';

/** What is known of rows that came without something, by what the mirror has of them. */
export interface LackingRows {
  /** Rows that must not be stored, by number, and why. */
  readonly refused: ReadonlyMap<number, string>;
  /** Lookups of which some rows came without the table: the mirror's stays where the id is the same. */
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

/** Whether every row could be stored where the mirror has none of them. */
export function areStorable(mirror: MirrorTable, page: PageRows): boolean {
  for (let row = 0; row < page.rows; row++) if (reasonOf(mirror, page, row) !== undefined) return false;
  return true;
}

/**
 * Judges the rows that lack something, by what the mirror has of them:
 *
 * - Without a version nothing tells whether a row is newer than the mirror's, if that has one.
 * - Without the table of a lookup the one that is known is right for the same id. For another id it is
 *   not, and to store none would lose that the lookup has one.
 *
 * A row that the mirror does not have loses nothing by being stored as it came.
 *
 * @param keys of the page's rows, in their order.
 * @param superseded rows that another one of the page replaces: of no account, unless it does so for want
 *   of a version to compare.
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

/** Companions of a lookup are what cannot be selected by itself. */
function lookupColumns({ columns }: MirrorTable): LookupColumns[] {
  return columns.flatMap((column, type) => {
    if (column.selectable) return [];
    const id = columns.findIndex(({ attribute, selectable }) => selectable && attribute === column.attribute);
    return id === -1 ? [] : [{ id, type }];
  });
}

/** A lookup's id as the mirror has it. */
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
