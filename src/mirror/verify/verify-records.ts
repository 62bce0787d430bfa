import { Failure } from '../../model/failure.ts';
import type { RowId, Link } from '../../model/page.ts';
import { and, eq, gt, sql } from '../drizzle.ts';
import { isLive, keyColumns } from '../page/merge-sql.ts';
import { keyText } from '../page/row-key.ts';
import type { StateStore } from '../state/store.ts';
import { quoteIdentifier } from '../table/identifier.ts';
import { columnName, MIRRORED_AT, type MirrorTable } from '../table/mirror-table.ts';
import type { DifferenceKind } from './suspects.ts';

/** `sweep` compares keys and versions, `values` every value too. */
export type VerifyMethod = 'sweep' | 'values';

/** The walk reads pages, has read all of them, or what it found is being confirmed. */
export type VerifyStage = 'walk' | 'walked' | 'confirm';

/** Rows of a sweep whose values are compared too, by their versions: above `above`, and up to `upTo`. */
export interface ValueSlice {
  /** Null for no limit. */
  readonly above: bigint | null;
  readonly upTo: bigint | null;
  /** Rows that the source had in it, and the requests for them. */
  readonly rows: number;
  readonly requests: number;
}

/** Where a verification stands. It is stored with each page, so that another process can go on. */
export interface VerificationProgress {
  readonly method: VerifyMethod;
  /** What the comparison was begun with. A verification with another basis begins anew. */
  readonly basis: string;
  readonly stage: VerifyStage;
  /** The next page; null for the first page of a window. */
  readonly link: Link | null;
  /** The window of row versions that is being read. */
  readonly above: bigint | null;
  readonly upTo: bigint | null;
  /** The row version that the mirror had reached when the walk began; null where the link does not tell. */
  readonly begunVersion: bigint | null;
  readonly rows: number;
  readonly requests: number;
  /** Null for a sweep that compares no values, and for a comparison of all values. */
  readonly slice: ValueSlice | null;
}

function ofTable(store: StateStore, table: string) {
  const { verifications } = store.tables;
  return and(eq(verifications.environmentId, store.environmentId), eq(verifications.table, table));
}

/** Where a verification of a table stands; undefined where none is under way. @throws Failure */
export async function readVerification(
  store: StateStore,
  table: string,
): Promise<VerificationProgress | undefined> {
  const { verifications } = store.tables;
  const [row] = await store.statement(async (db) =>
    db.select().from(verifications).where(ofTable(store, table)),
  );
  if (row === undefined) return undefined;
  const { method, basis, stage, link, linkPageSize: pageSize, above, upTo, begunVersion } = row;
  const { rows, requests, sliced, sliceAbove, sliceUpTo, sliceRows, sliceRequests } = row;
  return {
    method: method as VerifyMethod,
    basis,
    stage: stage as VerifyStage,
    link: link === null ? null : { kind: 'next', url: link, ...(pageSize === null ? {} : { pageSize }) },
    above,
    upTo,
    begunVersion,
    rows,
    requests,
    slice: sliced ? { above: sliceAbove, upTo: sliceUpTo, rows: sliceRows, requests: sliceRequests } : null,
  };
}

/** Begins a verification in place of any other one of the table, for a process. */
export async function beginVerification(
  store: StateStore,
  table: string,
  holder: string,
  progress: VerificationProgress,
): Promise<void> {
  const { verifications } = store.tables;
  const now = sql`clock_timestamp()`;
  const values = { ...stored(progress), holder, storedAt: now, startedAt: now };
  await store.db
    .insert(verifications)
    .values({ environmentId: store.environmentId, table, ...values })
    .onConflictDoUpdate({ target: [verifications.environmentId, verifications.table], set: values });
}

/** Takes a verification over, for a process that goes on with it. */
export async function claimVerification(store: StateStore, table: string, holder: string): Promise<void> {
  const { verifications } = store.tables;
  await store.db
    .update(verifications)
    .set({ holder, storedAt: sql`clock_timestamp()` })
    .where(ofTable(store, table));
}

/**
 * Stores where a verification stands, in the store's transaction; without `progress`, only that the process still works
 * at it.
 *
 * @throws Failure `verification-taken` where another process has begun or taken it since.
 */
export async function storeVerification(
  store: StateStore,
  table: string,
  holder: string,
  progress?: VerificationProgress,
): Promise<void> {
  const { verifications } = store.tables;
  const kept = await store.db
    .update(verifications)
    .set({ ...(progress === undefined ? {} : stored(progress)), storedAt: sql`clock_timestamp()` })
    .where(and(ofTable(store, table), eq(verifications.holder, holder)))
    .returning({ table: verifications.table });
  if (kept.length > 0) return;
  throw new Failure({
    code: 'verification-taken',
    message: `Another process has taken over the verification of table ${table}.`,
    details: { table },
  });
}

function stored({ link, slice, ...progress }: VerificationProgress) {
  return {
    ...progress,
    link: link?.url ?? null,
    linkPageSize: link?.pageSize ?? null,
    sliced: slice !== null,
    sliceAbove: slice?.above ?? null,
    sliceUpTo: slice?.upTo ?? null,
    sliceRows: slice?.rows ?? 0,
    sliceRequests: slice?.requests ?? 0,
  };
}

export async function forgetVerification(store: StateStore, table: string): Promise<void> {
  const { verifications } = store.tables;
  await store.db.delete(verifications).where(ofTable(store, table));
}

/** A confirmed difference. */
export interface Difference {
  readonly id: RowId;
  readonly kind: DifferenceKind;
  /** The mirror columns that differ; empty but for the kind `values`. */
  readonly columns: readonly string[];
}

/** Puts confirmed differences on record, in the store's transaction. */
export async function recordDifferences(
  store: StateStore,
  table: string,
  found: readonly Difference[],
): Promise<void> {
  if (found.length === 0) return;
  const { differences } = store.tables;
  const now = sql`clock_timestamp()`;
  const rows = found.map(({ id, kind, columns }) => ({
    environmentId: store.environmentId,
    table,
    key: keyText(id),
    kind,
    columns: [...columns],
    foundAt: now,
    confirmedAt: now,
  }));
  await store.db
    .insert(differences)
    .values(rows)
    .onConflictDoUpdate({
      target: [differences.environmentId, differences.table, differences.key],
      set: {
        kind: sql`excluded.kind`,
        columns: sql`excluded.columns`,
        confirmedAt: now,
        repairedAt: null,
      },
    });
}

/**
 * Forgets what earlier verifications found and the one that ends now has not confirmed again, in the store's transaction.
 * Until then the record stays, so that it never tells less than is known.
 *
 * A sweep does not compare values, but for those of its slice. Other values of a row stay on record until the row is
 * repaired or written again.
 */
export async function forgetDifferences(
  store: StateStore,
  mirror: MirrorTable,
  { method, slice }: Pick<VerificationProgress, 'method' | 'slice'>,
): Promise<void> {
  const { differences, verifications } = store.tables;
  const table = mirror.table.logicalName;
  const isEarlier = sql`${differences.confirmedAt} < (SELECT ${verifications.startedAt} FROM ${verifications} WHERE ${ofTable(store, table)})`;
  const [key, partition] = keyColumns(mirror);
  const isSamePartition =
    partition === undefined
      ? sql`true`
      : sql`m.${sql.raw(partition)} IS NOT DISTINCT FROM CASE WHEN length(${differences.key}) > 36 THEN substr(${differences.key}, 38) END`;
  const isStillSo = sql`(${differences.kind} = 'values' AND ${differences.repairedAt} IS NULL AND EXISTS (
    SELECT FROM ${sql.raw(mirror.qualified)} m WHERE ${sql.raw(isLive(mirror))} AND m.${sql.raw(key)} = left(${differences.key}, 36)::uuid
       AND ${isSamePartition} AND m.${sql.raw(quoteIdentifier(MIRRORED_AT))} <= ${differences.confirmedAt}${slice === null ? sql`` : sql` AND (${isOfSlice(mirror, slice)}) IS NOT TRUE`}))`;
  await store.db
    .delete(differences)
    .where(
      and(
        eq(differences.environmentId, store.environmentId),
        eq(differences.table, table),
        isEarlier,
        method === 'values' ? undefined : sql`NOT ${isStillSo}`,
      ),
    );
}

/** SQL: whether row `m` has a version of the slice, so that its values were compared. */
function isOfSlice(mirror: MirrorTable, { above, upTo }: ValueSlice) {
  if (mirror.versionField === undefined) return sql`true`;
  const version = sql.raw(`m.${columnName(mirror, mirror.versionField)}`);
  return sql`${version} > coalesce(${above}::bigint, -1) AND (${upTo}::bigint IS NULL OR ${version} <= ${upTo}::bigint)`;
}

/** Records that rows were repaired. @param keys as `keyText` writes them. */
export async function recordRepairs(
  store: StateStore,
  table: string,
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return;
  const { differences } = store.tables;
  await store.db
    .update(differences)
    .set({ repairedAt: sql`clock_timestamp()` })
    .where(
      and(
        eq(differences.environmentId, store.environmentId),
        eq(differences.table, table),
        sql`${differences.key} = ANY (${sql.param(keys)}::text[])`,
      ),
    );
}

/** A difference as it is on record. */
export interface RecordedDifference {
  /** The whole key as text. */
  readonly key: string;
  readonly kind: DifferenceKind;
  readonly columns: readonly string[];
  readonly repaired: boolean;
}

function recordedColumns({ tables: { differences } }: StateStore) {
  return {
    key: differences.key,
    kind: differences.kind,
    columns: differences.columns,
    repaired: sql<boolean>`${differences.repairedAt} IS NOT NULL`,
  };
}

/** What is on record of a table. */
export interface RecordedDifferences {
  readonly differences: RecordedDifference[];
  readonly total: number;
  /** Differences that are not repaired. */
  readonly open: number;
  /** Extra rows among the open ones. */
  readonly openExtras: number;
}

/** The recorded differences of a table, the first ones by key, and how many there are. @throws Failure */
export async function readDifferences(
  store: StateStore,
  table: string,
  most: number,
): Promise<RecordedDifferences> {
  const { differences } = store.tables;
  const isOfTable = and(eq(differences.environmentId, store.environmentId), eq(differences.table, table));
  return store.statement(async (db) => {
    const rows = await db
      .select(recordedColumns(store))
      .from(differences)
      .where(isOfTable)
      .orderBy(differences.key)
      .limit(most);
    const [counts] = await db
      .select({
        total: sql<number>`count(*)::float8`,
        open: sql<number>`(count(*) FILTER (WHERE ${differences.repairedAt} IS NULL))::float8`,
        openExtras: sql<number>`(count(*) FILTER (WHERE ${differences.repairedAt} IS NULL AND ${differences.kind} = 'extra'))::float8`,
      })
      .from(differences)
      .where(isOfTable);
    const found = rows.map((row) => ({ ...row, kind: row.kind as DifferenceKind }));
    const { total = 0, open = 0, openExtras = 0 } = counts ?? {};
    return { differences: found, total, open, openExtras };
  });
}

/** Differences that are read from the record at once. */
const BATCH = 1_000;

/** All recorded differences of a table by key, a batch at a time, so that memory stays bounded. @throws Failure */
export async function* eachDifference(store: StateStore, table: string): AsyncGenerator<RecordedDifference> {
  const { differences } = store.tables;
  const isOfTable = and(eq(differences.environmentId, store.environmentId), eq(differences.table, table));
  let after: string | undefined;
  for (;;) {
    const last = after;
    const rows = await store.statement(async (db) =>
      db
        .select(recordedColumns(store))
        .from(differences)
        .where(and(isOfTable, last === undefined ? undefined : gt(differences.key, last)))
        .orderBy(differences.key)
        .limit(BATCH),
    );
    for (const row of rows) yield { ...row, kind: row.kind as DifferenceKind };
    if (rows.length < BATCH) return;
    after = rows.at(-1)?.key;
  }
}

/** What a verification has proven. */
export interface Proof {
  readonly method: VerifyMethod;
  /** The row version up to which the comparison holds; null where the link does not tell. */
  readonly throughVersion: bigint | null;
  /** When the comparison began; undefined for the verification that is under way. */
  readonly since?: Date;
  /** Rows that the source had. */
  readonly rows: number;
  readonly differences: number;
  readonly requests: number;
}

/**
 * Records a proof in place of the last one by its method, in the store's transaction. A wish that is younger than the
 * verification stays: the rows that it is about may have been read before.
 */
export async function recordProof(store: StateStore, table: string, proof: Proof): Promise<void> {
  const { verified, verifications, tables } = store.tables;
  const begun = sql`(SELECT ${verifications.startedAt} FROM ${verifications} WHERE ${ofTable(store, table)})`;
  await store.db
    .update(tables)
    .set({ verifyAskedAt: null })
    .where(
      and(
        eq(tables.environmentId, store.environmentId),
        eq(tables.table, table),
        sql`${tables.verifyAskedAt} <= ${begun}`,
      ),
    );
  const values = { ...proof, since: proof.since ?? begun, at: sql`clock_timestamp()` };
  await store.db
    .insert(verified)
    .values({ environmentId: store.environmentId, table, ...values })
    .onConflictDoUpdate({ target: [verified.environmentId, verified.table, verified.method], set: values });
}
