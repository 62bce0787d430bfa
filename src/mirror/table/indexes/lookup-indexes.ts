import type pg from 'pg';
import { STRONG_LOCK_TIMEOUT } from '../../connection/strong-lock.ts';
import { transaction } from '../../connection/postgres.ts';
import { columnIdentifiers, qualifiedName, quoteIdentifier, quoteLiteral } from '../identifier.ts';
import type { MirrorColumn, MirrorTable } from '../mirror-table.ts';
import type { Lease } from '../../lease/leases.ts';
import { holdFence } from '../../state/checkpoints.ts';
import type { StateStore } from '../../state/store.ts';

/**
 * The comment on an index that mirrorverse made. PostgreSQL keeps it and drops it together with the index, so that no
 * other record can disagree. An index without it is of somebody else, whatever its name.
 */
const OURS = 'Made by mirrorverse, because of `indexes: lookups`.';

/** Milliseconds to wait for others who write the table. Only writers queue behind this wait. */
const WRITERS_TIMEOUT = 5_000;

const LOOKUPS: ReadonlySet<string | undefined> = new Set(['LookupType', 'CustomerType', 'OwnerType']);

/** A statement that makes or drops an index. */
export interface IndexChange {
  readonly kind: 'make' | 'drop';
  /** The index, unquoted. */
  readonly index: string;
  readonly statements: readonly string[];
}

interface ExistingIndex {
  readonly name: string;
  /** The column that the index begins with; null for an expression. */
  readonly column: string | null;
  readonly ours: boolean;
}

/**
 * Plans the indexes on the lookups of a mirror table. A lookup that an index of somebody else begins with gets none.
 * An index of ours that nobody wants any more goes.
 *
 * @param wanted false if the table should have no such indexes.
 */
export async function planLookupIndexes(
  client: pg.ClientBase,
  mirror: MirrorTable,
  wanted: boolean,
): Promise<IndexChange[]> {
  const existing = await readIndexes(client, mirror);
  const lookups = wanted ? mirror.columns.filter(isLookup) : [];
  const dropped = existing.filter(
    ({ ours, column }) => ours && !lookups.some(({ identifier }) => identifier === column),
  );
  const missing = wanted ? lookupsWithoutIndex(mirror, new Set(existing.map(({ column }) => column))) : [];
  const drops = dropped.map(({ name }): IndexChange => {
    return { kind: 'drop', index: name, statements: [`DROP INDEX ${qualifiedName(mirror.schema, name)}`] };
  });
  if (missing.length === 0) return drops;
  const taken = await readNames(client, mirror.schema);
  const nameOf = ({ identifier }: MirrorColumn): string => `${mirror.identifier}_${identifier}_lookup`;
  const names = columnIdentifiers(missing.map(nameOf), taken);
  const made = missing.map((column): IndexChange => {
    const index = names.get(nameOf(column)) ?? nameOf(column);
    return {
      kind: 'make',
      index,
      statements: [
        `CREATE INDEX ${quoteIdentifier(index)} ON ${mirror.qualified} (${quoteIdentifier(column.identifier)})`,
        `COMMENT ON INDEX ${qualifiedName(mirror.schema, index)} IS ${quoteLiteral(OURS)}`,
      ],
    };
  });
  return [...drops, ...made];
}

/** @param indexed columns that an index begins with. */
export function lookupsWithoutIndex(
  { columns }: MirrorTable,
  indexed: ReadonlySet<string | null>,
): MirrorColumn[] {
  return columns.filter((column) => isLookup(column) && !indexed.has(column.identifier));
}

function isLookup({ type, attributeType }: MirrorColumn): boolean {
  return type === 'uuid' && LOOKUPS.has(attributeType);
}

/** Indexes of the table that help with any value of their first column. */
async function readIndexes(client: pg.ClientBase, mirror: MirrorTable): Promise<ExistingIndex[]> {
  const { rows } = await client.query<{ name: string; column: string | null; ours: boolean }>(
    `SELECT x.relname AS name, a.attname AS column, obj_description(x.oid, 'pg_class') IS NOT DISTINCT FROM $3 AS ours
       FROM pg_class c
       JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_index i ON i.indrelid = c.oid
       JOIN pg_class x ON x.oid = i.indexrelid
       LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
      WHERE n.nspname = $1 AND c.relname = $2 AND i.indisvalid AND i.indpred IS NULL`,
    [mirror.schema, mirror.identifier, OURS],
  );
  return rows;
}

async function readNames(client: pg.ClientBase, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1`,
    [schema],
  );
  return rows.map(({ name }) => name);
}

/** SQL: whether mirrorverse made an index of the table `c.oid`. */
export const HAS_OUR_INDEXES = `EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid
                            AND obj_description(i.indexrelid, 'pg_class') = ${quoteLiteral(OURS)})`;

/**
 * Makes and drops indexes until they are as wanted, each in a transaction of its own that proves the lease.
 *
 * CREATE INDEX without CONCURRENTLY shuts out writers alone. The only writer of a mirror table is the process that
 * holds its lease, which is this one. So readers notice nothing, and an index is made whole or not at all.
 *
 * @returns the changes that were made.
 * @throws Failure
 */
export async function changeLookupIndexes(
  { pool, store }: { readonly pool: pg.Pool; readonly store: StateStore },
  mirror: MirrorTable,
  wanted: boolean,
  lease: Lease,
  signal: AbortSignal,
): Promise<IndexChange[]> {
  const changes = await transaction(pool, async (client) => planLookupIndexes(client, mirror, wanted));
  for (const { kind, statements } of changes) {
    const timeout = kind === 'make' ? WRITERS_TIMEOUT : STRONG_LOCK_TIMEOUT;
    await transaction(
      pool,
      async (client) => {
        await holdFence(store, client, lease);
        await client.query(`SET LOCAL lock_timeout = ${timeout}`);
        for (const statement of statements) await client.query(statement);
      },
      signal,
    );
  }
  return changes;
}
