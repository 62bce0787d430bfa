import type { MirrorDatabase } from '../../mirror/database.ts';
import { findState, readPause } from '../../mirror/state/environments.ts';
import { readTableStatus, type TableStatus } from '../../mirror/state/table-status.ts';
import { NO_REQUESTS, requestFigures, type RequestFigures } from './request-figures.ts';
import { throttledUntil } from '../health/readiness.ts';

/** The document of `status --json`. Members may be added; these stay. */
export interface StatusReport {
  readonly environment: {
    readonly url: string | null;
    readonly organizationId: string | null;
    /** Of all tables together. */
    readonly requests: RequestFigures;
  };
  readonly tables: readonly StatusEntry[];
}

export interface StatusEntry extends Omit<TableStatus, 'lastSuccessAt' | 'linkIssuedAt' | 'counts'> {
  readonly lastSuccessAt: string | null;
  readonly linkIssuedAt: string | null;
  /** When the delta link expires unless a poll renews it; null if its life is not known. */
  readonly linkExpiresAt: string | null;
  readonly requests: RequestFigures;
}

export interface StatusOptions {
  /** The configured address, for an environment that was never reached. */
  readonly url: string | undefined;
  /** Configured tables; they are listed even before their first run. */
  readonly tables: readonly string[];
}

/** Milliseconds. */
const DAY = 86_400_000;

/** Reads the status of every table from the database alone. @throws Failure */
export async function readStatus(database: MirrorDatabase, options: StatusOptions): Promise<StatusReport> {
  const state = await findState(database);
  if (state === undefined) {
    return {
      environment: { url: options.url ?? null, organizationId: null, requests: NO_REQUESTS },
      tables: options.tables.map(untouched),
    };
  }
  const { environment, store } = state;
  const pausedUntil = await readPause(store);
  const known = await readTableStatus(database, store);
  const names = new Set(known.map((table) => table.table));
  const { url, organizationId } = environment;
  return {
    environment: { url, organizationId, requests: requestFigures(known.map(({ counts }) => counts)) },
    tables: [
      ...known.map((table) => toEntry(paused(table, pausedUntil), environment.linkLifeDays)),
      ...options.tables.filter((table) => !names.has(table)).map(untouched),
    ].toSorted((a, b) => a.table.localeCompare(b.table)),
  };
}

function toEntry({ counts, ...table }: TableStatus, linkLifeDays: number | null): StatusEntry {
  const { linkIssuedAt } = table;
  const expiry =
    linkIssuedAt === null || linkLifeDays === null ? null : linkIssuedAt.getTime() + linkLifeDays * DAY;
  return {
    ...table,
    lastSuccessAt: table.lastSuccessAt?.toISOString() ?? null,
    linkIssuedAt: linkIssuedAt?.toISOString() ?? null,
    linkExpiresAt: expiry === null ? null : new Date(expiry).toISOString(),
    requests: requestFigures([counts]),
  };
}

/** A pause concerns all tables, but a table that needs a person says that first. */
function paused(table: TableStatus, until: Date | null): TableStatus {
  if (until === null || table.phase === 'attention' || table.phase === 'failed') return table;
  return { ...table, phase: 'paused', error: table.error ?? throttledUntil(until) };
}

function untouched(table: string): StatusEntry {
  return {
    table,
    phase: 'new',
    rows: 0,
    lastSuccessAt: null,
    lagSeconds: null,
    linkIssuedAt: null,
    linkExpiresAt: null,
    quarantined: 0,
    error: null,
    requests: NO_REQUESTS,
  };
}
