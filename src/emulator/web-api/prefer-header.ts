import type { TableDefinition } from '../definitions/emulated-table.ts';

/** The known preferences of a request. */
export interface Preferences {
  readonly trackChanges: boolean;
  readonly maxPageSize: number | null;
  /** The annotation patterns of the request, unchanged, or null. */
  readonly annotations: string | null;
}

const LARGEST_PAGE = 5000;
const LARGEST_ELASTIC_PAGE = 500;

/** Reads a `Prefer` header. One header may have several preferences, and the list of annotations has commas too. */
export function parsePrefer(header: string | undefined): Preferences {
  let trackChanges = false;
  let maxPageSize: number | null = null;
  let annotations: string | null = null;
  for (const match of (header ?? '').matchAll(/([\w.-]+)\s*(?:=\s*(?:"([^"]*)"|([^,;\s]+)))?/g)) {
    const name = match[1]?.toLowerCase();
    const value = match[2] ?? match[3];
    if (name === 'odata.track-changes') trackChanges = true;
    else if (name === 'odata.maxpagesize' && value !== undefined && /^[1-9]\d*$/.test(value)) {
      maxPageSize = Number(value);
    } else if (name === 'odata.include-annotations') annotations = value ?? null;
  }
  return { trackChanges, maxPageSize, annotations };
}

/** The largest page of a table: 5,000 rows, or 500 rows of an elastic table. */
export function largestPage({ tableType }: Pick<TableDefinition, 'tableType'>): number {
  return tableType === 'Elastic' ? LARGEST_ELASTIC_PAGE : LARGEST_PAGE;
}

/** The page size of a request. It is never more than the largest page. */
export function pageSize(preferences: Preferences, table: TableDefinition): number {
  const largest = largestPage(table);
  return Math.min(preferences.maxPageSize ?? largest, largest);
}

/** The header `Preference-Applied`; undefined if the request had no preference. */
export function preferenceApplied(preferences: Preferences, tracked: boolean): string | undefined {
  const applied: string[] = [];
  if (tracked && preferences.trackChanges) applied.push('odata.track-changes');
  if (preferences.maxPageSize !== null) applied.push(`odata.maxpagesize=${preferences.maxPageSize}`);
  if (preferences.annotations !== null) {
    applied.push(`odata.include-annotations="${preferences.annotations}"`);
  }
  return applied.length === 0 ? undefined : applied.join(',');
}
