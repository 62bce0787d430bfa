import { readableCount, readableSpan } from '../../model/readable-figures.ts';
import type { StatusEntry } from './mirror-status.ts';

/** How a table stands, in the order in which tables need somebody. */
const NEEDS = [
  ['failed', 'failed'],
  ['attention', 'waiting for a yes'],
  ['stale', 'behind'],
  ['trouble', 'retrying'],
  ['still', 'half loaded'],
  ['paused', 'paused'],
  ['loading', 'loading'],
  ['new', 'not loaded yet'],
  ['delta', 'up to date'],
] as const;

export type Need = (typeof NEEDS)[number][0];

/**
 * A table that goes on by itself after a failure is in trouble; its phase stays. Nobody retries a table that is behind
 * and has had no run lately, so that table is stale, whatever its last run ended with.
 */
export function needOf({ phase, error, behind, lastAttempt, loadStoodAt }: StatusEntry): Need {
  if (phase === 'failed' || phase === 'attention' || phase === 'paused') return phase;
  if (behind && (error === null || lastAttempt?.recent !== true)) return 'stale';
  if (error !== null) return 'trouble';
  if (phase !== 'baseline' && phase !== 'rebaseline') return phase;
  return loadStoodAt === null ? 'loading' : 'still';
}

const RANKS = new Map<Need, number>(NEEDS.map(([need], rank) => [need, rank]));

/** Rows in quarantine and rows that differ from the source need somebody, although their table goes on. */
const rank = (entry: StatusEntry): number => {
  const needsSomebody = entry.quarantined > 0 || (entry.verified?.differences ?? 0) > 0;
  return (RANKS.get(needOf(entry)) ?? 0) - (needsSomebody ? 0.5 : 0);
};

/** The tables with what needs somebody first; otherwise by their names. */
export function byNeed(tables: readonly StatusEntry[]): StatusEntry[] {
  return tables.toSorted((a, b) => rank(a) - rank(b) || a.table.localeCompare(b.table));
}

/** `8 tables: 6 up to date, 2 failed`, of the configured tables. */
export function wholeLine(tables: readonly StatusEntry[]): string {
  const counts = new Map<Need, number>();
  for (const entry of tables) counts.set(needOf(entry), (counts.get(needOf(entry)) ?? 0) + 1);
  const parts = [...NEEDS.slice(-1), ...NEEDS.slice(0, -1)].flatMap(([need, words]) => {
    const count = counts.get(need);
    return count === undefined ? [] : [`${count} ${words}`];
  });
  return parts.length === 0 ? 'No tables' : `${readableCount(tables.length, 'table')}: ${parts.join(', ')}`;
}

/** Why a table does not go on, as far as the state tells: it is behind, or its load stands still. Null otherwise. */
export function standstillText(entry: StatusEntry): string | null {
  const { table, lagSeconds, lastAttempt, loadStoodAt } = entry;
  const need = needOf(entry);
  if (need === 'still' && loadStoodAt !== null) {
    const since = `${loadStoodAt.slice(0, 19).replace('T', ' ')} UTC`;
    return `No process loads it: the load stands still since ${since}. \`mirrorverse run\` or \`mirrorverse backfill ${table}\` goes on with it; a running daemon does so by itself.`;
  }
  if (lagSeconds === null || need !== 'stale') return null;
  const last = `Behind: last up to date ${readableSpan(lagSeconds)} ago`;
  if (lastAttempt?.running === true) return `${last}; a process is at work on it.`;
  if (lastAttempt?.recent === true) return `${last}; its newest run has not ended with a success.`;
  return `${last}; no process has polled it ${entry.error === null ? 'since' : 'lately'}: is the daemon running?`;
}

/** `2 rows differ from the source`. */
export function differText(differences: number): string {
  return `${readableCount(differences, 'row')} ${differences === 1 ? 'differs' : 'differ'} from the source`;
}

/** The worst need of all; `delta` if there is none. */
export function worstNeed(tables: readonly StatusEntry[]): Need {
  const [first] = byNeed(tables);
  return first === undefined ? 'delta' : needOf(first);
}
