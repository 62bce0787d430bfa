import { readableTime } from '../../model/readable-figures.ts';
import type pg from 'pg';
import type { FeedPhase, Phase } from '../../model/checkpoint.ts';
import type { FailureCode } from '../../model/failure-codes.ts';
import { notice, type FailureSummary } from '../../model/failure.ts';
import type { LoadFigures } from '../../model/load-progress.ts';
import { qualifiedName, shortenIdentifier } from '../table/identifier.ts';
import { ESTIMATED_ROWS } from '../table/partitions/estimated-rows.ts';
import { DELETED_AT } from '../table/mirror-table.ts';
import { transaction } from '../connection/postgres.ts';
import type { MirrorDatabase } from '../database.ts';
import { isPolledElsewhere, RECENT_ATTEMPT } from '../lease/polled-elsewhere.ts';
import type { StateStore } from './store.ts';
import { and, count, desc, eq, isNull, sql } from '../drizzle.ts';

/** How one table stands, as `status` shows it. */
export interface TableStatus {
  readonly table: string;
  readonly phase: Phase;
  readonly rows: number;
  readonly lastSuccessAt: Date | null;
  /** Seconds since the mirror was last known to equal the source. */
  readonly lagSeconds: number | null;
  /** The newest run, of any process; null before the first one. */
  readonly lastAttempt: TableAttempt | null;
  /** Another living process may be mirroring the table. */
  readonly polledElsewhere: boolean;
  readonly linkIssuedAt: Date | null;
  readonly quarantined: number;
  readonly error: FailureSummary | null;
  readonly paused: TablePause | null;
  /** How the table was last proven to equal its source; null before the first verification. */
  readonly verified: TableProof | null;
  /** How far a baseline or a re-baseline has come; null where none is under way. */
  readonly load: LoadFigures | null;
  /** When the process that was last at work on the load stored its newest page; null before that. */
  readonly loadStoredAt: Date | null;
  readonly counts: CountedRequests;
}

/** The newest run of a table. */
export interface TableAttempt {
  readonly at: Date;
  /** A process holds the lease of the table now. */
  readonly running: boolean;
  /** The run goes on, or it began so lately that a living process may poll the table. */
  readonly recent: boolean;
}

/** A pause that a person asked for and that goes on. */
export interface TablePause {
  readonly since: Date;
  /** Null where only a person ends it. */
  readonly until: Date | null;
  readonly reason: string | null;
}

/** The newest verification of a table that came to its end. */
export interface TableProof {
  readonly at: Date;
  /** `sweep` or `values`. */
  readonly method: string;
  /** The row version up to which the comparison holds; null where the environment does not tell. */
  readonly throughVersion: bigint | null;
  /** Rows that differ and are not repaired yet. */
  readonly differences: number;
}

/** What a table has cost in requests, and for how many changes. */
export interface CountedRequests {
  /** Requests to the Web API. */
  readonly requests: number;
  /** Requests of runs that found no change. */
  readonly idleRequests: number;
  /** Rows written or deleted. */
  readonly changes: number;
  /** When the first request was counted; null before. */
  readonly since: Date | null;
  /** Hours since then, by the database's clock. */
  readonly hours: number | null;
}

/** Rows above which PostgreSQL's estimate stands for a count of the table. */
const COUNTED = 500_000;

/**
 * Reads the status of every table that has state, by the database's clock.
 *
 * @param counted rows above which PostgreSQL's estimate stands for a count of the table.
 * @throws Failure
 */
export async function readTableStatus(
  { pool, schema }: MirrorDatabase,
  store: StateStore,
  counted = COUNTED,
): Promise<TableStatus[]> {
  const { tables, definitions } = store.tables;
  const proof = newestProof(store);
  const rows = await store.statement(async (db) =>
    db
      .select({
        table: tables.table,
        phase: tables.phase,
        lastSuccessAt: tables.lastSuccessAt,
        lagSeconds: sql<number | null>`extract(epoch from now() - ${tables.lastSuccessAt})::float8`,
        lastAttemptAt: tables.lastAttemptAt,
        polledElsewhere: isPolledElsewhere(store),
        attemptAge: sql<
          number | null
        >`extract(epoch from clock_timestamp() - ${tables.lastAttemptAt})::float8`,
        linkIssuedAt: tables.linkIssuedAt,
        errorCode: tables.errorCode,
        errorMessage: tables.errorMessage,
        errorRemedy: tables.errorRemedy,
        errorReaction: tables.errorReaction,
        pending: tables.pending,
        unseenRows: tables.unseenRows,
        unreadSince: definitions.unreadSince,
        unreadCode: definitions.unreadCode,
        isPaused: sql<boolean>`${tables.pausedAt} IS NOT NULL AND (${tables.pausedUntil} > clock_timestamp()) IS NOT FALSE`,
        pausedAt: tables.pausedAt,
        pausedUntil: tables.pausedUntil,
        pausedReason: tables.pausedReason,
        verifiedAt: proof.at,
        verifyMethod: proof.method,
        throughVersion: proof.throughVersion,
        differences: openDifferences(store),
        rowsLoaded: tables.rowsLoaded,
        rowsExpected: tables.rowsExpected,
        rowsBefore: tables.loadBegunRows,
        loadSeconds: sql<
          number | null
        >`extract(epoch from clock_timestamp() - ${tables.loadBegunAt})::float8`,
        loadStoredAt: tables.loadStoredAt,
        quietSeconds: sql<
          number | null
        >`extract(epoch from clock_timestamp() - ${tables.loadStoredAt})::float8`,
        isAtWork: sql<boolean>`${tables.leaseHolder} IS NOT NULL AND ${tables.leaseExpiresAt} > clock_timestamp()`,
        counts: {
          requests: tables.requests,
          idleRequests: tables.idleRequests,
          changes: tables.changes,
          since: sql<Date | null>`${tables.countedSince}`.mapWith(tables.countedSince),
          hours: sql<number | null>`(extract(epoch from now() - ${tables.countedSince}) / 3600)::float8`,
        },
      })
      .from(tables)
      .leftJoin(
        definitions,
        and(eq(definitions.environmentId, tables.environmentId), eq(definitions.table, tables.table)),
      )
      .leftJoinLateral(proof, sql`true`)
      .where(eq(tables.environmentId, store.environmentId))
      .orderBy(tables.table),
  );
  const quarantined = await countQuarantined(store);
  const names = rows.map((row) => row.table);
  const counts = await transaction(pool, async (client) => countRows(client, schema, names, counted));
  return rows.map((row) => ({
    table: row.table,
    phase: phaseOf(row),
    rows: counts.get(row.table) ?? 0,
    lastSuccessAt: row.lastSuccessAt,
    lagSeconds: row.lagSeconds === null ? null : Math.max(0, Math.round(row.lagSeconds)),
    lastAttempt: attemptOf(row),
    polledElsewhere: row.polledElsewhere,
    linkIssuedAt: row.linkIssuedAt,
    quarantined: quarantined.get(row.table) ?? 0,
    error: errorOf(row),
    paused: pauseOf(row),
    verified: proofOf(row),
    load: loadOf(row),
    loadStoredAt: row.loadStoredAt,
    counts: row.counts,
  }));
}

function attemptOf(row: {
  readonly lastAttemptAt: Date | null;
  readonly attemptAge: number | null;
  readonly isAtWork: boolean;
}): TableAttempt | null {
  const { lastAttemptAt: at, attemptAge, isAtWork: running } = row;
  return at && { at, running, recent: running || (attemptAge !== null && attemptAge < RECENT_ATTEMPT) };
}

interface Outcome {
  readonly table: string;
  readonly phase: string;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly errorRemedy: string | null;
  readonly errorReaction: string | null;
  readonly pending: string | null;
  readonly unseenRows: number | null;
  readonly unreadSince: Date | null;
  readonly unreadCode: string | null;
  readonly isPaused: boolean;
  readonly pausedAt: Date | null;
  readonly pausedUntil: Date | null;
  readonly pausedReason: string | null;
}

interface StoredLoad {
  readonly rowsLoaded: number | null;
  readonly rowsExpected: number | null;
  readonly rowsBefore: number | null;
  readonly loadSeconds: number | null;
  readonly quietSeconds: number | null;
  readonly isAtWork: boolean;
}

/** Failures that end with a yes from a person. */
export const UNCONFIRMED: ReadonlySet<string> = new Set<FailureCode>([
  'drift-unconfirmed',
  'sweep-refused',
  'erasure-refused',
]);

/** A pause comes first: a person has stopped the table, whatever else would stop it. */
function phaseOf(row: Outcome): Phase {
  if (row.isPaused) return 'paused';
  if (row.errorCode !== null && UNCONFIRMED.has(row.errorCode)) return 'attention';
  if (row.errorReaction === 'stop-table') return 'failed';
  const waits = row.pending !== null || row.unseenRows !== null;
  return waits ? 'attention' : (row.phase as FeedPhase);
}

function pauseOf({ isPaused, pausedAt, pausedUntil, pausedReason }: Outcome): TablePause | null {
  if (!isPaused || pausedAt === null) return null;
  return { since: pausedAt, until: pausedUntil, reason: pausedReason };
}

/** SQL: the newest proof of a row of `tables`, whatever its method. */
function newestProof({ db, tables: { tables, verified } }: StateStore) {
  return db
    .select({ at: verified.at, method: verified.method, throughVersion: verified.throughVersion })
    .from(verified)
    .where(and(eq(verified.environmentId, tables.environmentId), eq(verified.table, tables.table)))
    .orderBy(desc(verified.at))
    .limit(1)
    .as('proof');
}

/** SQL: differences of a row of `tables` that are not repaired. */
function openDifferences({ tables: { tables, differences } }: StateStore) {
  const isOpen = and(
    eq(differences.environmentId, tables.environmentId),
    eq(differences.table, tables.table),
    isNull(differences.repairedAt),
  );
  return sql<number>`(SELECT count(*)::float8 FROM ${differences} WHERE ${isOpen})`;
}

function proofOf(row: {
  readonly verifiedAt: Date | null;
  readonly verifyMethod: string | null;
  readonly throughVersion: bigint | null;
  readonly differences: number;
}): TableProof | null {
  const { verifiedAt: at, verifyMethod: method, throughVersion, differences } = row;
  return at === null || method === null ? null : { at, method, throughVersion, differences };
}

function loadOf(row: StoredLoad): LoadFigures | null {
  const { rowsLoaded, rowsExpected, rowsBefore, loadSeconds, quietSeconds, isAtWork } = row;
  if (rowsLoaded === null) return null;
  return {
    rowsLoaded,
    rowsExpected,
    rowsBefore: rowsBefore ?? 0,
    seconds: loadSeconds ?? 0,
    quietSeconds,
    isAtWork,
  };
}

function errorOf(row: Outcome): FailureSummary | null {
  if (row.errorCode !== null) {
    return { code: row.errorCode, message: row.errorMessage ?? '', remedy: row.errorRemedy ?? '' };
  }
  if (row.pending === null) return unread(row);
  const remedy = `Look at it with \`mirrorverse plan ${row.table}\` and let it happen with \`mirrorverse plan ${row.table} --apply\`.`;
  return notice('drift-pending', `A change waits for a yes: ${row.pending}`, remedy);
}

/** The table goes on without its definition, so its phase stays. */
function unread({ table, unreadSince, unreadCode }: Outcome): FailureSummary | null {
  if (unreadSince === null) return null;
  const message = `The definition of table ${table} cannot be read since ${readableTime(unreadSince)} (${unreadCode ?? 'unknown'}); the table goes on as it was known.`;
  return notice('metadata-unread', message);
}

async function countQuarantined(store: StateStore): Promise<ReadonlyMap<string, number>> {
  const { quarantine } = store.tables;
  const rows = await store.statement(async (db) =>
    db
      .select({ table: quarantine.table, rows: count() })
      .from(quarantine)
      .where(and(eq(quarantine.environmentId, store.environmentId), isNull(quarantine.dismissedAt)))
      .groupBy(quarantine.table),
  );
  return new Map(rows.map((row) => [row.table, row.rows]));
}

/**
 * Rows in each mirror table, without those marked deleted: counted up to half a million, and PostgreSQL's
 * estimate above that.
 */
async function countRows(
  client: pg.ClientBase,
  mirrorSchema: string,
  tables: readonly string[],
  counted: number,
): Promise<ReadonlyMap<string, number>> {
  const identifiers = new Map(tables.map((table) => [shortenIdentifier(table), table]));
  const { rows: found } = await client.query<{
    name: string;
    estimate: number;
    soft: boolean;
    hidden: boolean;
  }>(
    `SELECT c.relname AS name, ${ESTIMATED_ROWS} AS estimate, row_security_active(c.oid) AS hidden,
            EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = $3) AS soft
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relname = ANY ($2) AND c.relkind IN ('r', 'p')`,
    [mirrorSchema, [...identifiers.keys()], DELETED_AT],
  );
  const counts = new Map<string, number>();
  for (const { name, estimate, soft, hidden } of found) {
    const table = identifiers.get(name) ?? name;
    // Row security would refuse the count; the failure of the runs says so.
    if (hidden || estimate > counted) {
      counts.set(table, Math.max(0, Math.round(estimate)));
      continue;
    }
    const where = soft ? ` WHERE "${DELETED_AT}" IS NULL` : '';
    const { rows } = await client.query<{ rows: string }>(
      `SELECT count(*) AS rows FROM ${qualifiedName(mirrorSchema, name)}${where}`,
    );
    counts.set(table, Number(rows[0]?.rows ?? 0));
  }
  return counts;
}
