import type { MirrorDatabase } from '../../mirror/database.ts';
import { readWebhooks, type WebhookFacts } from '../../mirror/feed/webhook-state.ts';
import { countFiles, type FileCounts } from '../../mirror/files/file-queue.ts';
import { findState } from '../../mirror/state/environments.ts';
import { readSpentRequests } from '../../mirror/state/spent-requests.ts';
import { readTableStatus, type TableStatus } from '../../mirror/state/table-status.ts';
import { NO_REQUESTS, requestFigures, type RequestFigures } from './request-figures.ts';
import { isMeantByPattern, type TableChoice, type TableEntry } from '../../sync/tables/table-resolution.ts';
import { loadProgress } from '../../model/load-progress.ts';
import { fitsPattern, isPattern } from '../../model/name-pattern.ts';
import { longestSilence, SHORTEST_ALLOWANCE } from '../../sync/schedule/longest-silence.ts';

/** The document of `status --json`. Members may be added; these stay. */
export interface StatusReport {
  readonly environment: {
    readonly url: string | null;
    readonly organizationId: string | null;
    /** Of all tables together. */
    readonly requests: RequestFigures;
  };
  readonly budget: BudgetStatus;
  readonly tables: readonly StatusEntry[];
  readonly webhooks: readonly WebhookStatus[];
  /** Bodies of files and images: how many are stored, wait, and could not be fetched. */
  readonly files: FileCounts;
}

/** How the delivery of changes to a webhook fares. */
export interface WebhookStatus extends Omit<WebhookFacts, 'lastSuccessAt' | 'failingSince' | 'stoppedAt'> {
  readonly lastSuccessAt: string | null;
  readonly failingSince: string | null;
  readonly stoppedAt: string | null;
}

/** What all processes with this state have spent of the API's limits. */
export interface BudgetStatus {
  /** Of the busiest identity, because Dataverse limits each by itself. */
  readonly requestsIn5Minutes: number;
  /** The configured limit of requests in 5 minutes. */
  readonly limit: number;
  /** Until when the environment wants no requests; null where it takes them. */
  readonly throttledUntil: string | null;
  readonly requestsIn24Hours: number;
  /** The configured limit of requests in 24 hours; null without one. */
  readonly requestsPerDay: number | null;
}

export interface StatusEntry extends Omit<
  TableStatus,
  | 'lastSuccessAt'
  | 'lastAttempt'
  | 'loadStoredAt'
  | 'polledElsewhere'
  | 'linkIssuedAt'
  | 'counts'
  | 'paused'
  | 'verified'
  | 'load'
> {
  /** Whether the configuration means the table, by its name or by a pattern. */
  readonly configured: boolean;
  /** The table is not configured, and another process seems to mirror it. */
  readonly elsewhere: boolean;
  /** Rows that the load under way has stored; null where none is under way. */
  readonly rowsLoaded: number | null;
  /** Rows that the load will store, as the environment counted them; null where that is not known. */
  readonly rowsExpected: number | null;
  /** When the load under way stood still, because no process is at work on it; null otherwise. */
  readonly loadStoodAt: string | null;
  /** Seconds until the load ends; null where that cannot be said. */
  readonly etaSeconds: number | null;
  readonly paused: {
    readonly since: string;
    readonly until: string | null;
    readonly reason: string | null;
  } | null;
  /** The newest verification that came to its end; null before the first one. */
  readonly verified: {
    readonly at: string;
    readonly method: string;
    /** A row version as text; null where the environment does not tell. */
    readonly throughVersion: string | null;
    /** Rows that differ and are not repaired yet. */
    readonly differences: number;
  } | null;
  readonly lastSuccessAt: string | null;
  /** A table that follows its source has had no success for longer than its schedule allows. */
  readonly behind: boolean;
  /** The newest run, of any process; null before the first one. */
  readonly lastAttempt: { readonly at: string; readonly running: boolean; readonly recent: boolean } | null;
  readonly linkIssuedAt: string | null;
  /** When the delta link expires unless a poll renews it; null if its life is not known. */
  readonly linkExpiresAt: string | null;
  readonly requests: RequestFigures;
}

export interface StatusOptions {
  /** The configured address, for an environment that was never reached. */
  readonly url: string | undefined;
  /** The configured tables. Those that are named exactly are listed even before their first run. */
  readonly choice: TableChoice<TableEntry & { readonly schedule?: string }>;
  /** The configured limit of requests in 5 minutes. */
  readonly requestsPer5Minutes: number;
  /** The configured limit of requests in 24 hours; undefined without one. */
  readonly requestsPerDay?: number | undefined;
  /** The names of the configured webhooks; none without it. */
  readonly webhooks?: readonly string[];
  /** Rows above which PostgreSQL's estimate stands for a count of a table; half a million without it. */
  readonly countedRows?: number;
}

/** Milliseconds. */
const DAY = 86_400_000;

/** Reads the status of every table from the database alone. @throws Failure */
export async function readStatus(database: MirrorDatabase, options: StatusOptions): Promise<StatusReport> {
  const { url: configuredUrl, choice, requestsPer5Minutes: limit } = options;
  const requestsPerDay = options.requestsPerDay ?? null;
  const named = choice.entries.map(({ name }) => name).filter((name) => !isPattern(name));
  const state = await findState(database);
  if (state === undefined) {
    return {
      environment: { url: configuredUrl ?? null, organizationId: null, requests: NO_REQUESTS },
      budget: { requestsIn5Minutes: 0, limit, throttledUntil: null, requestsIn24Hours: 0, requestsPerDay },
      tables: named.map(untouched),
      webhooks: [],
      files: { stored: 0, waiting: 0, failed: 0 },
    };
  }
  const { environment, store } = state;
  const { throttledUntil, ...spent } = await readSpentRequests(store);
  const known = await readTableStatus(database, store, options.countedRows);
  const names = new Set(known.map((table) => table.table));
  const { url, organizationId } = environment;
  // A command that is given the database alone knows of no configured table, and sets none apart.
  const isConfigured = (name: string): boolean =>
    choice.entries.length === 0 || named.includes(name) || isMeantByPattern(choice, name);
  return {
    environment: { url, organizationId, requests: requestFigures(known.map(({ counts }) => counts)) },
    budget: { ...spent, limit, requestsPerDay, throttledUntil: throttledUntil?.toISOString() ?? null },
    tables: [
      ...known
        .filter((table) => isConfigured(table.table) || hasLeftSomething(table))
        .map((table) =>
          toEntry(table, {
            linkLifeDays: environment.linkLifeDays,
            configured: isConfigured(table.table),
            throttled: throttledUntil !== null,
            behind: isBehind(table, choice),
          }),
        ),
      ...named.filter((table) => !names.has(table)).map(untouched),
    ].toSorted((a, b) => a.table.localeCompare(b.table)),
    webhooks: await webhookStatus(database, store.environmentId, options.webhooks ?? []),
    files: await countFiles(database, store),
  };
}

/** A webhook that is no longer configured is told while it has dead letters. */
async function webhookStatus(
  { pool, stateSchema }: MirrorDatabase,
  environmentId: number,
  configured: readonly string[],
): Promise<WebhookStatus[]> {
  const all = await readWebhooks(pool, stateSchema, environmentId);
  return all
    .filter(({ webhook, deadLetters }) => configured.includes(webhook) || deadLetters > 0)
    .map((facts) => ({
      ...facts,
      lastSuccessAt: facts.lastSuccessAt?.toISOString() ?? null,
      failingSince: facts.failingSince?.toISOString() ?? null,
      stoppedAt: facts.stoppedAt?.toISOString() ?? null,
    }));
}

/** Whether a table that follows its source has had no success for longer than its schedule allows. */
function isBehind({ table, phase, lagSeconds }: TableStatus, { entries }: StatusOptions['choice']): boolean {
  if (phase !== 'delta' || lagSeconds === null) return false;
  const entry =
    entries.find(({ name }) => name === table) ??
    entries.findLast(({ name }) => isPattern(name) && fitsPattern(table, name));
  return lagSeconds > SHORTEST_ALLOWANCE && lagSeconds > longestSilence(entry?.schedule);
}

/**
 * Whether anything is kept of a table but its name. Of a table that was named by mistake there is no more, and nobody
 * would know the name again once it has left the configuration.
 */
function hasLeftSomething({
  lastSuccessAt,
  load,
  rows,
  quarantined,
  paused,
  lastAttempt,
}: TableStatus): boolean {
  const isThere = lastSuccessAt !== null || load !== null || rows > 0;
  return isThere || quarantined > 0 || paused !== null || lastAttempt?.running === true;
}

interface Surroundings {
  readonly linkLifeDays: number | null;
  readonly configured: boolean;
  readonly throttled: boolean;
  readonly behind: boolean;
}

function toEntry(
  { counts, paused, verified, load, loadStoredAt, polledElsewhere, ...table }: TableStatus,
  { linkLifeDays, configured, throttled, behind }: Surroundings,
): StatusEntry {
  const { linkIssuedAt } = table;
  const progress = load && loadProgress({ ...load, isAtWork: load.isAtWork && !throttled });
  const isStill = load !== null && table.lastAttempt?.running !== true;
  const stoodAt = isStill ? (loadStoredAt ?? table.lastAttempt?.at) : null;
  const expiry =
    linkIssuedAt === null || linkLifeDays === null ? null : linkIssuedAt.getTime() + linkLifeDays * DAY;
  return {
    ...table,
    configured,
    elsewhere: !configured && polledElsewhere,
    behind,
    lastAttempt: table.lastAttempt && { ...table.lastAttempt, at: table.lastAttempt.at.toISOString() },
    rowsLoaded: progress?.rowsLoaded ?? null,
    rowsExpected: progress?.rowsExpected ?? null,
    etaSeconds: progress?.etaSeconds ?? null,
    loadStoodAt: stoodAt?.toISOString() ?? null,
    paused: paused && {
      since: paused.since.toISOString(),
      until: paused.until?.toISOString() ?? null,
      reason: paused.reason,
    },
    verified: verified && {
      ...verified,
      at: verified.at.toISOString(),
      throughVersion: verified.throughVersion?.toString() ?? null,
    },
    lastSuccessAt: table.lastSuccessAt?.toISOString() ?? null,
    linkIssuedAt: linkIssuedAt?.toISOString() ?? null,
    linkExpiresAt: expiry === null ? null : new Date(expiry).toISOString(),
    requests: requestFigures([counts]),
  };
}

function untouched(table: string): StatusEntry {
  return {
    table,
    phase: 'new',
    configured: true,
    elsewhere: false,
    rowsLoaded: null,
    rowsExpected: null,
    etaSeconds: null,
    loadStoodAt: null,
    paused: null,
    verified: null,
    rows: 0,
    lastSuccessAt: null,
    lagSeconds: null,
    behind: false,
    lastAttempt: null,
    linkIssuedAt: null,
    linkExpiresAt: null,
    quarantined: 0,
    error: null,
    requests: NO_REQUESTS,
  };
}
