import type pg from 'pg';
import { transaction } from '../connection/postgres.ts';
import { whereLocksAllow } from '../connection/strong-lock.ts';
import { qualifiedName } from '../table/identifier.ts';
import { KEPT_TOGETHER } from '../table/ddl-plan.ts';
import { LOGGED_CHANGES } from './log-functions.ts';

/** Milliseconds for which changes are kept where the configuration does not say. */
export const USUAL_KEEP = 7 * 86_400_000;

/** Days for which partitions are made ahead. A process that is away for longer writes into the default partition. */
const AHEAD = 3;

/** Key of the advisory lock for the partitions; every version must use the same. */
const PARTITION_LOCK = '7305813221904004';

export interface LogWish {
  /** Milliseconds that changes are kept. */
  readonly keep: number;
}

interface LogFindings {
  /** Days that lack a partition, as 20261129. */
  readonly missing: readonly string[];
  /** Names of partitions whose last change is older than the log keeps. */
  readonly expired: readonly string[];
  /** The default partition has changes that are older. */
  readonly leftovers: boolean;
  /** Changes have numbers of transactions that this server has not reached: they come from another server. */
  readonly foreign: boolean;
}

/**
 * Makes the partitions of the next days, and drops those that are older than the log keeps. Where a statement would wait
 * for others, for instance for a dump, the next call tries again: until then, changes go to the default partition.
 *
 * Each step has a transaction of its own, because a lock that shuts pages out ends with its transaction.
 *
 * @param wish undefined where no table has a change log: no partition is made.
 */
export async function keepPartitions(
  pool: pg.Pool,
  stateSchema: string,
  wish?: LogWish,
  signal?: AbortSignal,
): Promise<void> {
  const seconds = (wish?.keep ?? USUAL_KEEP) / 1_000;
  const find = async (client: pg.ClientBase): Promise<LogFindings> => {
    const found = await findWork(client, stateSchema, seconds);
    return wish === undefined ? { ...found, missing: [] } : found;
  };
  const { missing, expired, leftovers, foreign } = await transaction(pool, find, signal);
  if (missing.length + expired.length === 0 && !leftovers && !foreign) return;
  /** @returns false where another process is at it. */
  const alone = async (step: LogStep): Promise<boolean> =>
    transaction(
      pool,
      async (client) => {
        const { rows } = await client.query<{ taken: boolean }>(
          'SELECT pg_try_advisory_xact_lock($1) AS taken',
          [PARTITION_LOCK],
        );
        // Another process may have done it since.
        return rows[0]?.taken === true && (await step(client, await find(client)));
      },
      signal,
    );
  await alone(async (client, found) => {
    if (found.foreign) await whereLocksAllow(client, async () => adoptForeign(client, stateSchema));
    return true;
  });
  await alone(async (client, found) => {
    for (const day of found.missing) {
      if (!(await whereLocksAllow(client, async () => makePartition(client, stateSchema, day)))) return false;
    }
    return true;
  });
  await alone(async (client, found) => {
    if (found.leftovers) await deleteLeftovers(client, stateSchema, seconds);
    return true;
  });
  // A reader that is in the way of one partition is in the way of all.
  while (await alone(async (client, found) => dropOldest(client, stateSchema, found)));
}

type LogStep = (client: pg.PoolClient, found: LogFindings) => Promise<boolean>;

/** @returns whether a partition was dropped; false too where somebody is in the way. */
async function dropOldest(
  client: pg.ClientBase,
  stateSchema: string,
  { expired }: LogFindings,
): Promise<boolean> {
  const [name] = expired;
  if (name === undefined) return false;
  const partition = qualifiedName(stateSchema, name);
  return whereLocksAllow(client, async () => {
    // A transaction that began long ago may still write here. A change that it wrote after the next statement would go
    // without a record. Readers are shut out only by the last statement.
    await client.query(`LOCK TABLE ${partition} IN SHARE MODE`);
    await recordDropped(client, stateSchema, partition);
    await client.query(`DROP TABLE ${partition}`);
  });
}

async function findWork(client: pg.ClientBase, stateSchema: string, seconds: number): Promise<LogFindings> {
  const changes = qualifiedName(stateSchema, LOGGED_CHANGES);
  const { rows } = await client.query<LogFindings & pg.QueryResultRow>(
    `WITH days AS (
       SELECT c.relname AS name, to_date(substring(c.relname from '^${LOGGED_CHANGES}_([0-9]{8})$'), 'YYYYMMDD') AS day
         FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::regclass)
     SELECT ARRAY(SELECT to_char(d.day, 'YYYYMMDD') FROM generate_series((now() AT TIME ZONE 'UTC')::date, (now() AT TIME ZONE 'UTC')::date + $3::int, interval '1 day') AS d (day)
                   WHERE d.day::date NOT IN (SELECT day FROM days WHERE day IS NOT NULL)) AS missing,
            ARRAY(SELECT name::text FROM days WHERE (day + 1)::timestamp AT TIME ZONE 'UTC' <= now() - make_interval(secs => $2) ORDER BY day) AS expired,
            EXISTS (SELECT FROM ${qualifiedName(stateSchema, `${LOGGED_CHANGES}_default`)} WHERE changed_at < now() - make_interval(secs => $2)) AS leftovers,
            EXISTS (SELECT FROM ${changes} WHERE xact >= pg_snapshot_xmax(pg_current_snapshot()))
              OR EXISTS (SELECT FROM ${qualifiedName(stateSchema, 'consumers')} WHERE xact >= pg_snapshot_xmax(pg_current_snapshot())) AS foreign`,
    [changes, seconds, AHEAD],
  );
  return rows[0] ?? { missing: [], expired: [], leftovers: false, foreign: false };
}

/**
 * Attaches the partition of a day. Unlike CREATE TABLE … PARTITION OF, this keeps neither pages nor readers waiting. The
 * default partition is locked for a moment, because PostgreSQL looks whether it has rows of that day. If it has, the
 * rows of this day stay there.
 */
async function makePartition(client: pg.ClientBase, stateSchema: string, day: string): Promise<void> {
  const changes = qualifiedName(stateSchema, LOGGED_CHANGES);
  const partition = qualifiedName(stateSchema, `${LOGGED_CHANGES}_${day}`);
  const range = `('${day}'::date)::timestamp AT TIME ZONE 'UTC'`;
  const { rows } = await client.query<{ begins: string; ends: string; taken: boolean }>(
    `SELECT to_char(d.begins AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS begins, to_char(d.ends AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS ends,
            to_regclass($1) IS NOT NULL OR EXISTS (SELECT FROM ${qualifiedName(stateSchema, `${LOGGED_CHANGES}_default`)} WHERE changed_at >= d.begins AND changed_at < d.ends) AS taken
       FROM (SELECT ${range} AS begins, ${range} + interval '24 hours' AS ends) d`,
    [partition],
  );
  const [found] = rows;
  if (found === undefined || found.taken) return;
  await client.query(
    `CREATE TABLE ${partition} (LIKE ${changes} INCLUDING ALL EXCLUDING IDENTITY) WITH (${KEPT_TOGETHER});
     ALTER TABLE ${changes} ATTACH PARTITION ${partition} FOR VALUES FROM ('${found.begins}') TO ('${found.ends}')`,
  );
}

/** Records the last changes of a partition that goes, so that a consumer that has not read them gets an error. */
async function recordDropped(
  client: pg.ClientBase,
  stateSchema: string,
  rows: string,
  parameters: readonly unknown[] = [],
): Promise<void> {
  await client.query(
    `INSERT INTO ${qualifiedName(stateSchema, 'dropped_changes')} AS d (environment_id, xact, position)
     SELECT DISTINCT ON (c.environment_id) c.environment_id, c.xact, c.position FROM ${rows} c
      ORDER BY c.environment_id, c.xact DESC, c.position DESC
     ON CONFLICT (environment_id) DO UPDATE SET xact = excluded.xact, position = excluded.position
      WHERE (excluded.xact, excluded.position) > (d.xact, d.position)`,
    [...parameters],
  );
}

async function deleteLeftovers(client: pg.ClientBase, stateSchema: string, seconds: number): Promise<void> {
  const leftovers = `${qualifiedName(stateSchema, `${LOGGED_CHANGES}_default`)} WHERE changed_at < now() - make_interval(secs => $1)`;
  await recordDropped(client, stateSchema, `(SELECT * FROM ${leftovers})`, [seconds]);
  await client.query(`DELETE FROM ${leftovers}`, [seconds]);
}

/**
 * Takes a log over that was restored on another server. The numbers of transactions begin anew there, so the restored
 * changes would stand behind all new ones, and a consumer that has acknowledged one of them would never see a new one.
 * All restored changes get number 0 and are read in the order of their positions. A consumer may get some of them again.
 */
async function adoptForeign(client: pg.ClientBase, stateSchema: string): Promise<void> {
  const state = (name: string): string => qualifiedName(stateSchema, name);
  const [changes, consumers, dropped] = [state(LOGGED_CHANGES), state('consumers'), state('dropped_changes')];
  await client.query(`LOCK TABLE ${changes}, ${consumers} IN SHARE ROW EXCLUSIVE MODE`);
  await client.query(
    `UPDATE ${consumers} k SET xact = '0', position =
       CASE WHEN EXISTS (SELECT FROM ${dropped} d WHERE (d.xact, d.position) > (k.xact, k.position)) THEN -1
            ELSE coalesce((SELECT min(c.position) - 1 FROM ${changes} c WHERE (c.xact, c.position) > (k.xact, k.position)),
                          (SELECT max(c.position) FROM ${changes} c), 0) END`,
  );
  await client.query(`UPDATE ${dropped} SET xact = '0', position = 0`);
  await client.query(`UPDATE ${changes} SET xact = '0'`);
}
