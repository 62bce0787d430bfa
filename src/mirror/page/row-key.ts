import { cellText, hasVersion, type PageRows, type RowId } from '../../model/page.ts';
import type { MirrorTable } from '../table/mirror-table.ts';

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const GUID_LENGTH = 36;

/**
 * The whole key as one text: the id in lower case and, in a partition, a comma and the partition. An id has a
 * fixed length, so no two keys give the same text.
 */
export function keyText({ key, partition }: RowId): string {
  return typeof partition === 'string' ? `${key.toLowerCase()},${partition}` : key.toLowerCase();
}

/** The key that `keyText` wrote, or null where the text is no key, as for a row that came without one. */
export function parseKey(text: string): RowId | null {
  const key = text.slice(0, GUID_LENGTH);
  if (!GUID.test(key)) return null;
  if (text.length === GUID_LENGTH) return { key, partition: null };
  return text[GUID_LENGTH] === ',' ? { key, partition: text.slice(GUID_LENGTH + 1) } : null;
}

/** A row's whole key as text, or null when it has none that PostgreSQL could hold. */
export function rowKey(mirror: MirrorTable, page: PageRows, row: number): string | null {
  const key = cellText(page, row, mirror.keyField);
  if (key === null || !GUID.test(key)) return null;
  if (mirror.partitionField === undefined) return key.toLowerCase();
  const partition = cellText(page, row, mirror.partitionField);
  // A replaced character would make another key.
  if (partition !== null && (partition.includes('\0') || !partition.isWellFormed())) return null;
  return keyText({ key, partition });
}

/** The keys of a page's rows, in their order. */
export function rowKeys(mirror: MirrorTable, page: PageRows): (string | null)[] {
  return Array.from({ length: page.rows }, (_, row) => rowKey(mirror, page, row));
}

/** The same keys as ids; rows without a key are left out. */
export function idsIn(mirror: MirrorTable, page: PageRows): RowId[] {
  return rowKeys(mirror, page).flatMap((key) => (key === null ? [] : (parseKey(key) ?? [])));
}

/** The ids of rows whose keys are texts; rows without a key are left out. */
export function idsOf(rows: readonly { readonly key: string }[]): RowId[] {
  return rows.flatMap(({ key }) => parseKey(key) ?? []);
}

const LARGEST_VERSION = 2n ** 63n - 1n;
const QUOTE = 0x22;
const ZERO = 0x30;
/** Decimal digits that a number holds exactly. */
const DIGITS = 15;

/** A row's version, or null where it has none that a bigint could hold. */
export function rowVersion(mirror: MirrorTable, page: PageRows, row: number): bigint | null {
  const { versionField } = mirror;
  if (versionField === undefined || !hasVersion(page, row, versionField)) return null;
  const { bytes, cells } = page;
  const at = 2 * (row * page.width + versionField);
  const isText = bytes[cells[at] ?? 0] === QUOTE;
  const end = (cells[at + 1] ?? 0) - (isText ? 1 : 0);
  let version = 0n;
  // Fifteen digits at a time, as a number holds them exactly. Every row of a page is asked for its version.
  for (let from = (cells[at] ?? 0) + (isText ? 1 : 0); from < end; from += DIGITS) {
    const to = Math.min(end, from + DIGITS);
    let digits = 0;
    for (let digit = from; digit < to; digit++) digits = 10 * digits + ((bytes[digit] as number) - ZERO);
    version = version === 0n ? BigInt(digits) : version * 10n ** BigInt(to - from) + BigInt(digits);
  }
  return version > LARGEST_VERSION ? null : version;
}

/**
 * Rows of a page that another row of the same page replaces, because one statement cannot write a row twice.
 * Of one key the highest version stays; of one version, the last row.
 *
 * @param keys of the page's rows, in their order. A row without a key replaces nothing.
 */
export function supersededRows(
  mirror: MirrorTable,
  page: PageRows,
  keys: readonly (string | null)[],
): ReadonlySet<number> {
  const superseded = new Set<number>();
  const latest = new Map<string, number>();
  const version = (row: number): bigint => rowVersion(mirror, page, row) ?? -1n;
  for (const [row, key] of keys.entries()) {
    if (key === null) continue;
    const before = latest.get(key);
    if (before === undefined) latest.set(key, row);
    else if (version(before) > version(row)) superseded.add(row);
    else {
      superseded.add(before);
      latest.set(key, row);
    }
  }
  return superseded;
}
