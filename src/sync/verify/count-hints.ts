import type { DataverseClient } from '../../dataverse/http/client.ts';
import { COUNTED_TOGETHER, readRecordCounts } from '../../dataverse/feed/record-count.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import { claimCounts } from '../../mirror/state/environments.ts';
import { readTableStatus } from '../../mirror/state/table-status.ts';
import type { Pace } from './share-pace.ts';

/** Milliseconds. The environment counts its tables once a day. */
const DAY = 86_400_000;
/** Rows above which PostgreSQL's estimate is enough for a hint. */
const COUNTED = 50_000;
/** What a table may gain or lose since the environment has counted it: so many rows, or this share of all. */
const USUAL_ROWS = 100;
const USUAL_SHARE = 0.1;

export interface CountHintParts {
  readonly client: DataverseClient;
  readonly mirror: Mirror;
  readonly pace: Pace;
}

/**
 * Which mirror tables have clearly more or fewer rows than the environment counted. A count may be a day old, so this
 * is no difference and nobody is told of it. It only says which table is looked at first.
 */
export class CountHints {
  private readonly parts: CountHintParts;
  private found: ReadonlySet<string> = new Set();
  /** By `performance.now()`. */
  private nextAt = Number.NEGATIVE_INFINITY;

  constructor(parts: CountHintParts) {
    this.parts = parts;
  }

  /**
   * The tables among those of the last count. All processes together ask for a count once a day at most: one request
   * for 25 tables. Without an answer, there is no hint for that day.
   */
  async differing(tables: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    if (performance.now() < this.nextAt) return this.found;
    this.nextAt = performance.now() + DAY;
    this.found = await this.compare(tables, signal).catch(() => new Set<string>());
    return this.found;
  }

  private async compare(tables: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    const { client, mirror, pace } = this.parts;
    if (tables.length === 0 || !(await claimCounts(mirror.store))) return new Set();
    await pace.wait(signal);
    const counts = await readRecordCounts(client, tables, signal).finally(() =>
      pace.spent(Math.ceil(tables.length / COUNTED_TOGETHER), 0),
    );
    const known = await readTableStatus(mirror, mirror.store, COUNTED);
    const differing = known.filter(({ table, rows }) => isClear(rows, counts.get(table)));
    return new Set(differing.map(({ table }) => table));
  }
}

function isClear(mirrored: number, counted: number | undefined): boolean {
  if (counted === undefined) return false;
  const usual = Math.max(USUAL_ROWS, USUAL_SHARE * Math.max(mirrored, counted));
  return Math.abs(mirrored - counted) > usual;
}
