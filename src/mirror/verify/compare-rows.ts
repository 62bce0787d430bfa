import type pg from 'pg';
import type { PageRows, RowId } from '../../model/page.ts';
import { copyLines, withStorable } from '../copy/copy.ts';
import { toCopyText } from '../copy/copy-text.ts';
import { judgeLackingRows, keepTypes } from '../page/lacking-rows.ts';
import { copyInto, createStaging, isLive, keyColumns, sameKey, staging } from '../page/merge-sql.ts';
import { rowKeys, supersededRows } from '../page/row-key.ts';
import { findUnchanged } from '../page/unchanged-rows.ts';
import type { RowPolicy } from '../quarantine/row-policy.ts';
import { POSTGRES_TYPE } from '../table/column-sql.ts';
import { columnName, type MirrorTable } from '../table/mirror-table.ts';

/** A row that mirror and source have in the same version, with other values. */
export interface ValueDifference {
  readonly id: RowId;
  readonly version: bigint | null;
  /** The mirror columns that differ. */
  readonly columns: readonly string[];
  /** Only columns differ that change without a new version: calculated, rollup and formula columns. */
  readonly isDerivedOnly: boolean;
  /** Stands for the source's values. It tells whether a row without a version has changed since. */
  readonly fingerprint: string;
}

/**
 * Compares the rows of a page with the mirror, value by value, as a page that is stored would be compared: by the same
 * conversions, the same keys of hashed columns and the same rules about what a row lacks. Only rows of the same version
 * are compared. Rows that cannot be stored are left out, because quarantine has them.
 *
 * The transaction of the caller creates a staging table and no more.
 *
 * @returns the rows with other values; no values.
 */
export async function compareRows(
  client: pg.PoolClient,
  mirror: MirrorTable,
  page: PageRows,
  policy: RowPolicy,
): Promise<ValueDifference[]> {
  if (page.rows === 0) return [];
  const keys = rowKeys(mirror, page);
  const skip = new Set(supersededRows(mirror, page, keys));
  for (const [row, key] of keys.entries()) if (key === null) skip.add(row);
  const lacking = await judgeLackingRows(client, mirror, page, keys, skip, policy.hashKey, undefined);
  for (const row of lacking.refused.keys()) skip.add(row);
  for (const row of await findUnchanged(client, mirror, page, keys, { skip, policy })) skip.add(row);
  if (skip.size === page.rows) return [];
  // A run may be filling the staging table of a distributed mirror table, so the comparison has its own.
  const { distributed: _, ...alone } = mirror;
  await client.query(createStaging(alone, 'DROP'));
  const copyText = toCopyText(page, mirror.columns, { skip, policy });
  await withStorable(
    client,
    Array.from(copyText.rows.keys()),
    async (lines) => copyLines(client, copyInto(alone, 'staging', 'text'), copyText, lines),
    () => undefined,
  );
  for (const lookup of lacking.untyped) await client.query(keepTypes(alone, lookup));
  const { rows } = await client.query<StoredDifference>(differencesInValues(alone));
  await client.query(`DROP TABLE ${staging(alone)}`);
  const derived = new Set(mirror.columns.filter(isDerived).map(({ name }) => name));
  return rows.map(({ key, partition, version, columns, fingerprint }) => ({
    id: { key, partition },
    version: version === null ? null : BigInt(version),
    columns: columns.filter((name) => !derived.has(name)),
    isDerivedOnly: columns.every((name) => derived.has(name)),
    fingerprint,
  }));
}

interface StoredDifference extends pg.QueryResultRow {
  readonly key: string;
  readonly partition: string | null;
  readonly version: string | null;
  readonly columns: string[];
  readonly fingerprint: string;
}

/** Whether a column's values may change without a new version of the row. */
function isDerived({ derived }: { readonly derived?: unknown }): boolean {
  return derived !== undefined;
}

/** SQL: the staged rows that differ from the mirror's row of the same key and version, with the columns that differ. */
export function differencesInValues(mirror: MirrorTable): string {
  const keys = keyColumns(mirror);
  const differing = mirror.columns.map((column, at) => {
    const name = columnName(mirror, at);
    // A column may have got a collation by which `A` equals `a`.
    const bytes = POSTGRES_TYPE[column.type] === 'text' ? ' COLLATE "C"' : '';
    return { name: column.name, differs: `m.${name}${bytes} IS DISTINCT FROM s.${name}` };
  });
  const partition = keys[1] === undefined ? 'NULL::text' : `s.${keys[1]}`;
  const version = mirror.versionField === undefined ? undefined : columnName(mirror, mirror.versionField);
  const same = version === undefined ? '' : ` AND m.${version} IS NOT DISTINCT FROM s.${version}`;
  const names = differing.map((_, at) => `d.n[${at + 1}]`);
  const cases = differing.map(({ differs }, at) => `CASE WHEN ${differs} THEN ${names[at]} END`);
  const list = `ARRAY[${differing.map(({ name }) => `'${name.replaceAll("'", "''")}'`).join(', ')}]`;
  return `SELECT s.${keys[0]}::text AS key, ${partition} AS partition,
      ${version === undefined ? 'NULL' : `s.${version}`}::text AS version, array_remove(ARRAY[${cases.join(', ')}]::text[], NULL) AS columns,
      hash_record_extended(s, 0)::text AS fingerprint
    FROM (SELECT ${list}::text[] AS n) d, ${staging(mirror)} s JOIN ${mirror.qualified} m ON ${sameKey(mirror, 's', keys)}
    WHERE ${isLive(mirror)}${same} AND (${differing.map(({ differs }) => differs).join(' OR ')})`;
}
