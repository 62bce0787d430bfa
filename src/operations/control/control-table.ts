import {
  actOnTables,
  tableNotKnown,
  type ControlState,
  type TableAct,
} from '../../mirror/control/table-commands.ts';
import type { MirrorDatabase } from '../../mirror/database.ts';
import { readWishes } from '../../mirror/control/pauses.ts';
import { findState } from '../../mirror/state/environments.ts';
import { readKnownTables, type KnownTable } from '../../mirror/state/known-tables.ts';
import { registerTables } from '../../mirror/lease/leases.ts';
import { closestName } from '../../model/closest-name.ts';
import { Failure } from '../../model/failure.ts';
import { fitsPattern } from '../../model/name-pattern.ts';

export type { TableCommand } from '../../mirror/control/table-commands.ts';

/** What a person asks of a table, and how: by the command line or by HTTP. */
export interface ControlRequest extends TableAct {
  readonly via: 'cli' | 'http';
}

/** What holds for a table after an act, as a JSON document tells it. Members may be added; these stay. */
export interface ControlledTable {
  readonly table: string;
  readonly paused: {
    readonly since: string;
    /** When the pause ends by itself; null where only a person ends it. */
    readonly until: string | null;
    readonly reason: string | null;
  } | null;
  /** When the new baseline was asked for that has not begun yet; null where none waits. */
  readonly resyncAskedAt: string | null;
  /** When the verification was asked for that has not ended yet; null where none waits. */
  readonly verifyAskedAt: string | null;
}

/**
 * Pauses, resumes, resyncs or verifies a table, by the SQL function that does it for everybody. A pause waits for the page that
 * is being stored.
 *
 * @throws Failure `table-not-known` (HTTP 404), `pause-without-effect` (409), and those of PostgreSQL.
 */
export async function controlTable(
  database: MirrorDatabase,
  { via, ...act }: ControlRequest,
): Promise<ControlledTable> {
  const [state] = await controlTables(database, [act], via);
  if (state === undefined) throw new TypeError('An act has a result.');
  return state;
}

/** Does several acts, all of them or none. @throws Failure as `controlTable` does */
export async function controlTables(
  database: MirrorDatabase,
  acts: readonly TableAct[],
  via: ControlRequest['via'],
): Promise<ControlledTable[]> {
  const state = await findState(database);
  if (state === undefined) throw tableNotKnown(acts[0]?.table ?? '');
  const { store } = state;
  try {
    return (await actOnTables(store, database.schema, acts, via)).map(document);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'table-not-known') throw error;
    const { table } = error.details;
    const known = await readKnownTables(store);
    throw unknownAmong(
      String(table),
      known.map((each) => each.table),
    );
  }
}

/**
 * The known tables that words mean, by name or pattern.
 *
 * @param configured names of the configuration. A table among them may be paused before its first run.
 * @throws Failure `table-not-known`
 */
export async function knownTables(
  database: MirrorDatabase,
  words: readonly string[],
  configured: readonly string[],
): Promise<string[]> {
  const state = await findState(database);
  if (state === undefined) throw unknownAmong(words[0] ?? '', configured);
  const { store } = state;
  await registerTables(
    store,
    words.filter((word) => configured.includes(word)),
  );
  return meantTables(await readKnownTables(store), words, configured).map(({ table }) => table);
}

/** Those tables of the environment that a person has paused. @throws Failure */
export async function pausedTables(database: MirrorDatabase): Promise<ReadonlySet<string>> {
  const state = await findState(database);
  const wishes = state === undefined ? [] : await readWishes(state.store);
  return new Set(wishes.flatMap(({ table, isPaused }) => (isPaused ? [table] : [])));
}

/**
 * The tables that words mean, each once.
 *
 * @param configured names of the configuration, which a mistyped word may mean too.
 * @throws Failure `table-not-known`
 */
export function meantTables(
  known: readonly KnownTable[],
  words: readonly string[],
  configured: readonly string[],
): KnownTable[] {
  const unknown = words.find((word) => !known.some(({ table }) => fitsPattern(table, word)));
  if (unknown !== undefined) throw unknownAmong(unknown, [...known.map(({ table }) => table), ...configured]);
  return known.filter(({ table }) => words.some((word) => fitsPattern(table, word)));
}

/** @param names that the word may mean. */
export function unknownAmong(word: string, names: readonly string[]): Failure {
  const meant = closestName(word, names);
  return tableNotKnown(word, meant === null || meant === word ? undefined : `Did you mean ${meant}?`);
}

function document({ table, paused, resyncAskedAt, verifyAskedAt }: ControlState): ControlledTable {
  return {
    table,
    paused: paused && {
      since: paused.since.toISOString(),
      until: paused.until?.toISOString() ?? null,
      reason: paused.reason,
    },
    resyncAskedAt: resyncAskedAt?.toISOString() ?? null,
    verifyAskedAt: verifyAskedAt?.toISOString() ?? null,
  };
}
