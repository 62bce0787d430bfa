import type pg from 'pg';
import type { PlainPage, RowId, Tombstone } from '../../model/page.ts';
import { knownInPartitions, writtenByThisDelta } from '../page/merge-sql.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import { keyText, parseKey, rowKeys } from '../page/row-key.ts';
import type { StateStore } from '../state/store.ts';

/** The rows that a page's tombstones are about. */
export interface Deletions {
  /** Deleted for certain. */
  readonly certain: readonly RowId[];
  /** Only reading the row again tells whether it still exists. */
  readonly doubtful: readonly Tombstone[];
}

/**
 * Finds the rows that a page's tombstones are about, and which of them may still exist. A row may still exist when it
 * also came as an upsert in the same delta, on this page or an earlier one, because upserts and tombstones of one
 * delta have no documented order. It may also exist when the tombstone's reason is not a plain deletion.
 *
 * A tombstone names only the id. In a partitioned table it is about every row that is known by the id: in the
 * mirror, in quarantine or on this page. Where no such row is known, it is about none.
 */
export async function findDeletions(
  client: pg.PoolClient,
  store: StateStore,
  mirror: MirrorTable,
  page: PlainPage,
): Promise<Deletions> {
  const reasons = new Map<string, string>();
  for (const { key, reason } of page.tombstones) {
    if (reasons.get(key) === undefined || reason !== 'deleted') reasons.set(key, reason);
  }
  const fresh = new Set(rowKeys(mirror, page).filter((key) => key !== null));
  const keys = [...reasons.keys()];
  const known = mirror.partitionField === undefined ? inOnePart(keys) : inPartitions(keys, fresh);
  for (const { id, isFresh } of await readKnown(client, store, mirror, keys)) {
    const text = keyText(id);
    known.get(id.key)?.set(text, id);
    if (isFresh) fresh.add(text);
  }
  const certain: RowId[] = [];
  const doubtful: Tombstone[] = [];
  for (const [key, rows] of known) {
    // In a partitioned table even the only known row of an id may not be the deleted one: a row in another
    // partition may have come and gone since the last delta.
    const reason = reasons.get(key) ?? 'deleted';
    const isPlain = reason === 'deleted' && mirror.partitionField === undefined;
    for (const [text, id] of rows) {
      if (isPlain && !fresh.has(text)) certain.push(id);
      else doubtful.push({ ...id, reason });
    }
  }
  return { certain, doubtful };
}

/** Known rows, by id and then by whole key. */
type KnownKeys = Map<string, Map<string, RowId>>;

/** Without partitions the id is the whole key. */
function inOnePart(keys: readonly string[]): KnownKeys {
  return new Map(keys.map((key) => [key, new Map([[key, { key }]])]));
}

function inPartitions(keys: readonly string[], fresh: ReadonlySet<string>): KnownKeys {
  const known: KnownKeys = new Map(keys.map((key) => [key, new Map<string, RowId>()]));
  for (const text of fresh) {
    const id = parseKey(text);
    if (id !== null) known.get(id.key)?.set(text, id);
  }
  return known;
}

async function readKnown(
  client: pg.PoolClient,
  store: StateStore,
  mirror: MirrorTable,
  keys: readonly string[],
): Promise<{ readonly id: RowId; readonly isFresh: boolean }[]> {
  const parameters = [keys, store.environmentId, mirror.table.logicalName];
  if (mirror.partitionField === undefined) {
    const { rows } = await client.query<{ key: string }>(
      writtenByThisDelta(mirror, store.schema),
      parameters,
    );
    return rows.map(({ key }) => ({ id: { key }, isFresh: true }));
  }
  const { rows } = await client.query<{
    key: string | null;
    partition: string | null;
    text: string | null;
    fresh: boolean | null;
  }>(knownInPartitions(mirror, store.schema), parameters);
  return rows.flatMap(({ key, partition, text, fresh }) => {
    const id = key === null ? parseKey(text ?? '') : { key, partition };
    return id === null ? [] : [{ id, isFresh: fresh === true }];
  });
}
