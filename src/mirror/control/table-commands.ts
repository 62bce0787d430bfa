import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import { isPostgresError, type PostgresError } from '../connection/sqlstate.ts';
import { and, eq, interval, sql } from '../drizzle.ts';
import type { StateStore } from '../state/store.ts';
import { qualifiedName } from '../table/identifier.ts';
import { ASKED_VIA, CONTROL_STATES } from './control-functions.ts';
import { isPaused, type Pause } from './pauses.ts';

/** What a person may ask of a table while it stays configured. */
export type TableCommand = 'pause' | 'resume' | 'resync' | 'verify';

export interface TableAct {
  readonly command: TableCommand;
  /** Logical name. */
  readonly table: string;
  /** When a pause ends; absent, when the delta link needs it. */
  readonly until?: Date | undefined;
  /** How many milliseconds a pause lasts, by the database's clock; absent, `until` says when it ends. */
  readonly lasting?: number | undefined;
  /** Why a person pauses the table, for other people. */
  readonly reason?: string | undefined;
}

/** What holds for a table after an act. */
export interface ControlState {
  readonly table: string;
  readonly paused: Pause | null;
  /** When a person asked for a new baseline that has not begun yet. */
  readonly resyncAskedAt: Date | null;
  /** When a person asked for a verification that has not ended yet. */
  readonly verifyAskedAt: Date | null;
}

/**
 * Does acts by the SQL functions that operators call too, all of them or none.
 *
 * @param schema of the mirror tables.
 * @param via how the person asked, for the record.
 * @throws Failure `table-not-known`, `pause-without-effect`
 */
export async function actOnTables(
  store: StateStore,
  schema: string,
  acts: readonly TableAct[],
  via: 'cli' | 'http',
): Promise<ControlState[]> {
  return store.transaction(async (inside) => {
    await inside.db.execute(sql`SELECT set_config(${ASKED_VIA}, ${via}, true)`);
    const states: ControlState[] = [];
    for (const act of acts) {
      try {
        await inside.db.execute(call(inside, schema, act));
      } catch (error) {
        throw controlFailure(error, act.table);
      }
      states.push(await stateAfter(inside, act.table));
    }
    return states;
  });
}

/** The mirror schema before the name says which environment is meant. */
function call(
  { schema: stateSchema }: StateStore,
  schema: string,
  { command, table, until, lasting, reason }: TableAct,
) {
  const name = `${schema}.${table}`;
  const called = sql.raw(qualifiedName(stateSchema, command));
  if (command !== 'pause') return sql`SELECT ${called}(${name})`;
  const end =
    lasting === undefined
      ? sql`${until?.toISOString() ?? null}::timestamptz`
      : sql`clock_timestamp() + ${interval(lasting)}`;
  return sql`SELECT ${called}(${name}, ${end}, ${reason ?? null})`;
}

async function stateAfter(store: StateStore, table: string): Promise<ControlState> {
  const { tables } = store.tables;
  const [row] = await store.db
    .select({
      isPaused: isPaused(store),
      since: tables.pausedAt,
      until: tables.pausedUntil,
      reason: tables.pausedReason,
      resyncAskedAt: tables.resyncAskedAt,
      verifyAskedAt: tables.verifyAskedAt,
    })
    .from(tables)
    .where(and(eq(tables.environmentId, store.environmentId), eq(tables.table, table)));
  const { since = null, until = null, reason = null } = row ?? {};
  const { resyncAskedAt = null, verifyAskedAt = null } = row ?? {};
  const paused = row?.isPaused === true && since !== null ? { since, until, reason } : null;
  return { table, paused, resyncAskedAt, verifyAskedAt };
}

/** The functions' own refusals. Their messages name tables and nothing else. */
function controlFailure(thrown: unknown, table: string): unknown {
  const error = thrown instanceof Error && !isPostgresError(thrown) ? thrown.cause : thrown;
  if (!isPostgresError(error)) return thrown;
  const { unknownTable, ambiguousTable, pastEnd } = CONTROL_STATES;
  const { message, hint: remedy } = error as PostgresError & Pick<pg.DatabaseError, 'hint'>;
  switch (error.code) {
    case unknownTable:
    case ambiguousTable:
      return tableNotKnown(table);
    case pastEnd:
      return new Failure({ code: 'pause-without-effect', message, remedy, details: { table } });
    default:
      return thrown;
  }
}

/** The failure of an act on a table that has no state. @param remedy by default, where the tables are listed. */
export function tableNotKnown(table: string, remedy?: string): Failure {
  const message = `No table ${table} is mirrored here.`;
  return new Failure({ code: 'table-not-known', message, remedy, details: { table } });
}
