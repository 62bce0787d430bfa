import type pg from 'pg';
import { BinaryRowWriter } from '../copy/binary-row.ts';
import { BINARY_HEADER, BINARY_TRAILER } from '../copy/copy-binary.ts';
import type { CopyOutput } from '../copy/copy-output.ts';
import { PIECE } from '../copy/copy-writer.ts';
import { copy } from '../copy/copy.ts';
import { DEFAULT_ROW_POLICY } from '../quarantine/row-policy.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import type { PageRows } from '../../model/page.ts';
import type { ScratchTables } from './scratch-table.ts';

/**
 * Adds keys and versions of a page's rows to the scratch table, from the bytes of the page to binary COPY data without
 * a text or a number between: a page of 5,000 keys is written while the next one is read, and both need the thread.
 *
 * @param memory for COPY, which the next page may use again.
 */
export async function addVersionedKeys(
  client: pg.PoolClient,
  mirror: MirrorTable,
  { keys }: ScratchTables,
  page: PageRows,
  memory: CopyOutput,
): Promise<void> {
  if (page.rows === 0) return;
  const fields = fieldsOf(mirror);
  const columns = fields.map(({ column }) => column).join(', ');
  await copy(client, `COPY ${keys} (${columns}) FROM STDIN (FORMAT binary)`, keyPieces(page, fields, memory));
}

interface KeyField {
  /** The column of the scratch table. */
  readonly column: 'key' | 'version' | 'partition';
  readonly type: 'uuid' | 'bigint' | 'text';
  /** The field of the page. */
  readonly field: number;
}

/** The key comes first, and the version second if there is one. */
function fieldsOf({ keyField, versionField, partitionField }: MirrorTable): KeyField[] {
  return [
    { column: 'key', type: 'uuid', field: keyField },
    ...(versionField === undefined
      ? []
      : [{ column: 'version', type: 'bigint', field: versionField } as const]),
    ...(partitionField === undefined
      ? []
      : [{ column: 'partition', type: 'text', field: partitionField } as const]),
  ];
}

/**
 * Binary COPY data of all rows, piece by piece. A row without a key cannot be compared, and is left out. So is a key
 * that PostgreSQL cannot hold as it is, because a replaced character would make another key. A version that is no
 * number of 64 bits counts as none.
 */
function* keyPieces(
  page: PageRows,
  fields: readonly KeyField[],
  memory: CopyOutput,
): Generator<Uint8Array, undefined> {
  const keys = keysOf(page, fields);
  const types = fields.map(({ type }) => type);
  const version = fields.findIndex(({ column }) => column === 'version');
  const writer = new BinaryRowWriter(page.bytes, memory, DEFAULT_ROW_POLICY);
  writer.raw(BINARY_HEADER);
  for (let row = 0; row < keys.rows; row++) {
    const at = 2 * row * keys.width;
    if (keys.cells[at] === 0) continue;
    if (!writer.row(keys, row, types) && version >= 0) {
      keys.cells[at + 2 * version] = 0;
      writer.row(keys, row, types);
    }
    if (writer.length < PIECE) continue;
    yield writer.written;
    writer.turn();
  }
  writer.raw(BINARY_TRAILER);
  yield writer.written;
  return undefined;
}

/** The page with these fields alone. */
function keysOf(page: PageRows, fields: readonly KeyField[]): PageRows {
  const width = fields.length;
  const cells = new Int32Array(2 * page.rows * width);
  let to = 0;
  for (let row = 0; row < page.rows; row++) {
    for (const { field } of fields) {
      const from = 2 * (row * page.width + field);
      cells[to++] = page.cells[from] ?? 0;
      cells[to++] = page.cells[from + 1] ?? 0;
    }
  }
  return { bytes: page.bytes, width, rows: page.rows, cells };
}
