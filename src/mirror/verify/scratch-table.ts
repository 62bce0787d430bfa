import type pg from 'pg';
import { copy } from '../copy/copy.ts';
import { rowKeys, parseKey, rowVersion } from '../page/row-key.ts';
import { qualifiedName, shortenIdentifier } from '../table/identifier.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import type { StateStore } from '../state/store.ts';
import type { PageRows, RowId } from '../../model/page.ts';

/** The key and the version of a row of the source. */
export interface VersionedKey {
  readonly id: RowId;
  readonly version: bigint | null;
}

/** The names of a verification's scratch tables, each with its schema, quoted. */
export interface ScratchTables {
  /** Keys and versions that the source had. */
  readonly keys: string;
  /** Rows that may differ. */
  readonly suspects: string;
}

export function scratchTables(
  store: StateStore,
  { table }: { readonly table: Pick<MirrorTable['table'], 'logicalName'> },
): ScratchTables {
  const named = (what: string): string =>
    qualifiedName(store.schema, shortenIdentifier(`${what}_${store.environmentId}_${table.logicalName}`));
  return { keys: named('verify'), suspects: named('suspects') };
}

/**
 * Makes both tables anew. They live from the first page of a verification to its end. They are tables and not memory,
 * so a verification of any size needs little memory, and goes on after a crash.
 *
 * A row may come twice: a row that changes moves to a later window. The highest version counts. It is a suspect only
 * once, because a verdict is about a row.
 */
export async function createScratch(client: pg.ClientBase, { keys, suspects }: ScratchTables): Promise<void> {
  await client.query(
    `DROP TABLE IF EXISTS ${keys}, ${suspects};
     CREATE TABLE ${keys} (key uuid NOT NULL, partition text, version bigint);
     ALTER TABLE ${keys} REPLICA IDENTITY FULL;
     CREATE TABLE ${suspects} (
       key uuid NOT NULL, partition text, kind text NOT NULL, source_version bigint, mirror_version bigint,
       is_present boolean NOT NULL DEFAULT false, was_gone boolean NOT NULL DEFAULT false,
       columns text[] NOT NULL DEFAULT '{}', fingerprint text,
       found_at timestamptz NOT NULL DEFAULT clock_timestamp(), UNIQUE NULLS NOT DISTINCT (key, partition));
     ALTER TABLE ${suspects} REPLICA IDENTITY FULL`,
  );
}

export async function dropScratch(client: pg.ClientBase, { keys, suspects }: ScratchTables): Promise<void> {
  await client.query(`DROP TABLE IF EXISTS ${keys}, ${suspects}`);
}

/** Whether both tables exist, as a verification under way needs them. */
export async function hasScratch(client: pg.ClientBase, { keys, suspects }: ScratchTables): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(
    'SELECT to_regclass($1) IS NOT NULL AND to_regclass($2) IS NOT NULL AS there',
    [keys, suspects],
  );
  return rows[0]?.there === true;
}

/** Keys and versions of a page's rows. A row without a key cannot be compared, and is left out. */
export function versionedKeys(mirror: MirrorTable, page: PageRows): VersionedKey[] {
  return rowKeys(mirror, page).flatMap((key, row) => {
    const id = key === null ? null : parseKey(key);
    return id === null ? [] : [{ id, version: rowVersion(mirror, page, row) }];
  });
}

/** Adds keys and versions. COPY takes them in little more than half the time of an INSERT. */
export async function addVersionedKeys(
  client: pg.PoolClient,
  mirror: MirrorTable,
  { keys }: ScratchTables,
  rows: readonly VersionedKey[],
): Promise<void> {
  if (rows.length === 0) return;
  const isPartitioned = mirror.partitionField !== undefined;
  const columns = isPartitioned ? 'key, version, partition' : 'key, version';
  await copy(client, `COPY ${keys} (${columns}) FROM STDIN (FORMAT binary)`, binaryKeys(rows, isPartitioned));
}

/** What binary COPY data begins with: a signature, no flags, no extension. (PostgreSQL, "COPY", Binary Format.) */
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
/** Bytes of a key and a version, with the number of fields before them and the length before each. */
const KEY_AND_VERSION = 2 + 4 + 16 + 4 + 8;
const NULL = -1;

/** Binary COPY data of all rows, in one piece. */
function* binaryKeys(
  rows: readonly VersionedKey[],
  isPartitioned: boolean,
): Generator<Uint8Array, undefined> {
  const partitions = isPartitioned ? rows.map(({ id }) => bytesOf(id.partition)) : [];
  const further = partitions.reduce((sum, bytes) => sum + 4 + (bytes?.length ?? 0), 0);
  const data = Buffer.allocUnsafe(HEADER.length + rows.length * KEY_AND_VERSION + further + 2);
  let at = HEADER.copy(data);
  for (const [row, { id, version }] of rows.entries()) {
    at = data.writeInt16BE(isPartitioned ? 3 : 2, at);
    at = data.writeInt32BE(16, at);
    at += data.write(id.key.replaceAll('-', ''), at, 16, 'hex');
    at = data.writeInt32BE(version === null ? NULL : 8, at);
    if (version !== null) at = data.writeBigInt64BE(version, at);
    if (!isPartitioned) continue;
    const partition = partitions[row];
    at = data.writeInt32BE(partition?.length ?? NULL, at);
    if (partition !== undefined) at += partition.copy(data, at);
  }
  at = data.writeInt16BE(-1, at);
  yield data.subarray(0, at);
  return undefined;
}

function bytesOf(text: string | null | undefined): Buffer | undefined {
  return text === null || text === undefined ? undefined : Buffer.from(text);
}
