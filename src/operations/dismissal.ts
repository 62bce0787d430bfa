import type { MirrorDatabase } from '../mirror/database.ts';
import {
  dismissQuarantined,
  listQuarantined,
  type QuarantineEntry,
} from '../mirror/quarantine/quarantined-rows.ts';
import { findState } from '../mirror/state/environments.ts';
import { Failure } from '../model/failure.ts';

/** The document of `quarantine dismiss --json`. Members may be added; these stay. */
export interface Dismissal {
  readonly table: string;
  /** Keys of the rows that this call dismissed. */
  readonly dismissed: readonly string[];
  /** Rows of the table that are still in quarantine. */
  readonly quarantined: number;
}

/**
 * Dismisses rows of a table that nobody can mend, so that they no longer count. A row stays dismissed when it
 * comes again in the same version. In another version it is a new entry.
 *
 * @param words keys of the rows, as `quarantine` lists them; for a row without a key also its hash alone. No
 *   words mean all rows of the table.
 * @throws Failure `not-in-quarantine`, without effect, if a word means no row of the table.
 */
export async function dismiss(
  database: MirrorDatabase,
  table: string,
  words: readonly string[],
): Promise<Dismissal> {
  const state = await findState(database);
  if (state === undefined) {
    if (words.length > 0) throw notThere(table, words);
    return { table, dismissed: [], quarantined: 0 };
  }
  const { store } = state;
  const entries = await listQuarantined(store, table);
  const unknown = words.filter((word) => !entries.some((entry) => isMeant(entry, word)));
  if (unknown.length > 0) throw notThere(table, unknown);
  const waiting = entries.filter(({ dismissedAt }) => dismissedAt === null);
  const meant = waiting.filter((entry) => words.length === 0 || words.some((word) => isMeant(entry, word)));
  const dismissed = meant.map(({ key }) => key);
  await dismissQuarantined(store, table, dismissed);
  return { table, dismissed, quarantined: waiting.length - dismissed.length };
}

/** Upper and lower case are the same in an id, but not in the partition after it. */
function isMeant({ key }: QuarantineEntry, word: string): boolean {
  const [id = '', ...partition] = word.split(',');
  return key === word || key === [id.toLowerCase(), ...partition].join(',') || key.endsWith(`key, ${word}`);
}

function notThere(table: string, words: readonly string[]): Failure {
  return new Failure({
    code: 'not-in-quarantine',
    message: `Table ${table} has no such row in quarantine: ${words.join('; ')}. Nothing was dismissed.`,
    remedy: `\`mirrorverse quarantine ${table}\` lists the keys. Put a key with spaces or commas in quotes.`,
    details: { table },
  });
}
