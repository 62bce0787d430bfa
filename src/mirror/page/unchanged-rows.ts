import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { PageRows } from '../../model/page.ts';
import { bigintArray } from '../copy/binary-array.ts';
import type { CopyOptions } from '../copy/copy-text.ts';
import { type HashedRows, hashedRows } from '../copy/hashed-rows.ts';
import { HASHED_AS_SENT } from '../copy/row-hash.ts';
import { POSTGRES_TYPE } from '../table/column-sql.ts';
import { columnNames, type MirrorTable } from '../table/mirror-table.ts';
import { hasColumnTypes, isLive, KEY_COLUMNS, keyArrays, keyColumns, sameKey } from './merge-sql.ts';
import { parseKey } from './row-key.ts';

/**
 * Finds the rows of a page that the mirror has already, with the same values and not marked deleted. Nothing has to
 * be written for them.
 *
 * Both sides hash each row to 64 bits, with another seed for each page. A changed row has the hash of the row that is
 * there once in 10^19 comparisons, and the next re-baseline compares it with another seed.
 *
 * A row that is not found here may be unchanged all the same, for example if a number has more decimals in the
 * mirror. The merge compares it by its values. If most rows of a page have changed, the comparison stops early, because
 * the merge compares those rows anyway.
 *
 * @param keys of the page's rows, in their order. A row without a key must be among those to skip.
 */
export async function findUnchanged(
  client: pg.ClientBase,
  mirror: MirrorTable,
  page: PageRows,
  keys: readonly (string | null)[],
  options: CopyOptions,
): Promise<ReadonlySet<number>> {
  const unchanged = new Set<number>();
  // The comparison looks up each row by a subquery, which Citus runs within one shard only. The merge compares all rows.
  if (mirror.distributed !== undefined) return unchanged;
  await client.query(needKey(mirror));
  // That statement has locked the table, so the types stay as they are found here.
  const { rows: types } = await client.query<{ expected: boolean }>(hasColumnTypes(mirror, 'mirror'));
  if (types[0]?.expected !== true) return unchanged;
  const seed = randomBytes(8);
  const halves = { high: seed.readUInt32BE(0), low: (seed.readUInt32BE(4) | 1) >>> 0 };
  const seedText = ((BigInt(halves.high | 0) << 32n) | BigInt(halves.low)).toString();
  const statement = changedRows(mirror);
  const compare = async ({ rows, hashes }: HashedRows): Promise<boolean> => {
    const ids = rows.flatMap((row) => parseKey(keys[row] ?? '') ?? []);
    const parameters = [seedText, bigintArray(hashes), ...keyArrays(mirror, ids)];
    const answer = await client.query<{ at: number }>(statement, parameters);
    const changed = new Set(answer.rows.map(({ at }) => at));
    for (const [at, row] of rows.entries()) if (!changed.has(at + 1)) unchanged.add(row);
    return 2 * changed.size <= rows.length;
  };
  let before: Promise<boolean> | undefined;
  for (const hashed of hashedRows(page, mirror.columns, halves, options)) {
    if ((await before) === false) return unchanged;
    before = compare(hashed);
    // It is awaited in any case. This keeps a rejection until then from being unhandled.
    before.catch(() => undefined);
  }
  await before;
  return unchanged;
}

/**
 * SQL: of the rows with the hashes `$2` and the keys that follow, those that the mirror does not have in this way, by
 * their place in the list. `$1` is the seed.
 *
 * The mirror's row is looked up by its key for each row alone: a join could be planned as a scan of the whole table.
 */
export function changedRows(mirror: MirrorTable): string {
  const names = columnNames(mirror);
  const values = mirror.columns.map(({ type }, at) => {
    const send = HASHED_AS_SENT[type];
    if (send !== undefined) return `${send}(m.${names[at]})`;
    return `m.${names[at]}${POSTGRES_TYPE[type] === 'text' ? ' COLLATE "C"' : ''}`;
  });
  const given =
    mirror.partitionField === undefined
      ? 'unnest($2::bigint[], $3::uuid[]) WITH ORDINALITY AS r(hash, key, at)'
      : 'unnest($2::bigint[], $3::uuid[], $4::text[]) WITH ORDINALITY AS r(hash, key, partition, at)';
  return `SELECT r.at::int AS at FROM ${given} WHERE r.hash IS DISTINCT FROM (
    SELECT hash_record_extended(ROW(${values.join(', ')}), $1::bigint) FROM ${mirror.qualified} m
     WHERE ${sameKey(mirror, 'r', KEY_COLUMNS)} AND ${isLive(mirror)})`;
}

/**
 * SQL: PostgreSQL refuses this for a mirror table whose key was dropped. Without the key, each row would be looked for
 * in the whole table.
 */
export function needKey(mirror: MirrorTable): string {
  const keys = keyColumns(mirror).join(', ');
  return `INSERT INTO ${mirror.qualified} (${keys}) SELECT ${keys} FROM ${mirror.qualified} WHERE false
    ON CONFLICT (${keys}) DO NOTHING`;
}
