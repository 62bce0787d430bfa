import type { PageRows } from '../../model/page.ts';
import type { Column } from '../../model/table.ts';
import { BinaryRowWriter } from './binary-row.ts';
import { CopyOutput } from './copy-output.ts';
import type { CopyOptions } from './copy-text.ts';
import { PIECE } from './copy-writer.ts';
import { DEFAULT_ROW_POLICY } from '../quarantine/row-policy.ts';

/** `PGCOPY`, bytes that show whether the data were mangled on their way, no flags, no extension. */
export const BINARY_HEADER = Buffer.from('PGCOPY\n\u00ff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
export const BINARY_TRAILER = Uint8Array.of(0xff, 0xff);

/**
 * The page's rows in COPY's binary format, in the order of `columns`, one piece at a time. In the end it
 * returns the number of rows, or undefined where a value has no plain form. Then the caller rolls back what
 * was sent, and copies the rows as text.
 */
export function* binaryPieces(
  page: PageRows,
  columns: readonly Column[],
  { skip, memory = new CopyOutput(), policy = DEFAULT_ROW_POLICY }: CopyOptions = {},
): Generator<Uint8Array, number | undefined, void> {
  const writer = new BinaryRowWriter(page.bytes, memory, policy);
  const types = columns.map((column) => column.type);
  let count: number | undefined = 0;
  writer.raw(BINARY_HEADER);
  for (let row = 0; row < page.rows; row++) {
    if (skip?.has(row) === true) continue;
    if (!writer.row(page, row, types)) {
      count = undefined;
      break;
    }
    count++;
    if (writer.length < PIECE) continue;
    yield writer.written;
    writer.turn();
  }
  writer.raw(BINARY_TRAILER);
  yield writer.written;
  return count;
}
