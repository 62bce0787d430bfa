import type { PageRows } from '../../model/page.ts';
import type { Column } from '../../model/table.ts';
import { BinaryRowWriter } from './binary-row.ts';
import { CopyOutput } from './copy-output.ts';
import type { CopyOptions } from './copy-text.ts';
import { type Halves, hashTuple, isHashedAsWord } from './row-hash.ts';
import { DEFAULT_ROW_POLICY } from '../quarantine/row-policy.ts';

/** Rows that are hashed at once: the next ones are hashed while PostgreSQL compares these. */
const AT_ONCE = 1_000;

export interface HashedRows {
  /** The page's row numbers. */
  readonly rows: readonly number[];
  /** Their hashes, in this order. */
  readonly hashes: BigInt64Array;
}

/**
 * Hashes the page's rows, in the order of `columns`: see `hashTuple`. Rows with a value that has no plain form are
 * left out.
 */
export function* hashedRows(
  page: PageRows,
  columns: readonly Column[],
  seed: Readonly<Halves>,
  { skip, memory = new CopyOutput(), policy = DEFAULT_ROW_POLICY }: CopyOptions,
): Generator<HashedRows, undefined, void> {
  const types = columns.map(({ type }) => type);
  const words = types.map(isHashedAsWord);
  const writer = new BinaryRowWriter(page.bytes, memory, policy);
  const hash: Halves = { high: 0, low: 0 };
  let rows: number[] = [];
  let hashes = new BigInt64Array(AT_ONCE);
  for (let row = 0; row < page.rows; row++) {
    if (skip?.has(row) === true) continue;
    writer.length = 0;
    if (!writer.row(page, row, types)) continue;
    hashTuple(memory.view, words, seed, hash);
    hashes[rows.length] = (BigInt(hash.high) << 32n) | BigInt(hash.low);
    rows.push(row);
    if (rows.length < AT_ONCE) continue;
    yield { rows, hashes };
    rows = [];
    hashes = new BigInt64Array(AT_ONCE);
  }
  if (rows.length > 0) yield { rows, hashes: hashes.subarray(0, rows.length) };
  return undefined;
}
