import type pg from 'pg';
import {
  dismissQuarantined,
  listQuarantined,
  type QuarantineEntry,
} from '../mirror/quarantine/quarantined-rows.ts';
import { postgresFailure } from '../mirror/connection/sqlstate.ts';
import { readEnvironmentRecord } from '../mirror/environment/environments.ts';
import { openStateStore } from '../mirror/state/store.ts';
import { Failure } from '../model/failure.ts';

/** The document that `quarantine dismiss --json` prints; members may be added, these stay. */
export interface Dismissal {
  readonly table: string;
  /** Keys of the rows that are dismissed by it. */
  readonly dismissed: readonly string[];
  /** Rows of the table that wait in quarantine after it. */
  readonly quarantined: number;
}

/**
 * Takes rows of a table out of those that wait in quarantine: nobody can mend them. In the version that
 * they have they stay dismissed when they come again; in another one they are looked at anew.
 *
 * @param words which rows: keys as `quarantine` lists them, of a row without one also its hash alone.
 *   All rows of the table where there are none.
 * @throws Failure `not-in-quarantine`, without effect, where a word means no row of the table.
 */
export async function dismiss(
  pool: pg.Pool,
  options: { readonly schema: string; readonly stateSchema: string },
  table: string,
  words: readonly string[],
): Promise<Dismissal> {
  const { schema, stateSchema } = options;
  const environment = await readEnvironmentRecord(pool, stateSchema, schema);
  if (environment === undefined) {
    if (words.length > 0) throw notThere(table, words);
    return { table, dismissed: [], quarantined: 0 };
  }
  try {
    const store = openStateStore(pool, stateSchema, environment.id);
    const entries = await listQuarantined(store, table);
    const unknown = words.filter((word) => !entries.some((entry) => isMeant(entry, word)));
    if (unknown.length > 0) throw notThere(table, unknown);
    const waiting = entries.filter(({ dismissedAt }) => dismissedAt === null);
    const meant = waiting.filter((entry) => words.length === 0 || words.some((word) => isMeant(entry, word)));
    const dismissed = meant.map(({ key }) => key);
    await dismissQuarantined(store, table, dismissed);
    return { table, dismissed, quarantined: waiting.length - dismissed.length };
  } catch (error) {
    throw postgresFailure(error);
  }
}

/** An id is the same in either case of its letters; what follows it in a partition is not. */
function isMeant({ key }: QuarantineEntry, word: string): boolean {
  const [id = '', ...partition] = word.split(',');
  return key === word || key === [id.toLowerCase(), ...partition].join(',') || key.endsWith(`key, ${word}`);
}

function notThere(table: string, words: readonly string[]): Failure {
  return new Failure({
    code: 'not-in-quarantine',
    message: `Table ${table} has no such row in quarantine: ${words.join('; ')}. Nothing was dismissed.`,
    remedy: `\`mirrorverse quarantine ${table}\` lists the keys; one with spaces or commas goes in quotes.`,
    details: { table },
  });
}
