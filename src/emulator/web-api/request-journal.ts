import type { RequestKind } from './api-request.ts';

/** One request and how it was answered. */
export interface JournalEntry {
  /** Milliseconds since the epoch, by the clock of the emulator. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly url: string;
  readonly kind: RequestKind;
  readonly table: string | null;
  /** Null while the request runs; 0 if the connection was cut before a status was sent. */
  status: number | null;
  durationMs: number | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the request had an authorization header. Its value is never kept. */
  readonly hasAuthorization: boolean;
  /** The index of the token among the tokens that were ever accepted; null for any other token. */
  tokenIndex: number | null;
}

/** Narrows {@link RequestJournal.count} and {@link RequestJournal.find}. */
export interface JournalFilter {
  readonly method?: string;
  readonly kind?: RequestKind;
  readonly table?: string;
  readonly status?: number;
}

const KEPT_HEADERS = [
  'prefer',
  'accept',
  'accept-encoding',
  'user-agent',
  'if-none-match',
  'odata-version',
  'range',
];
const KEPT_PREFIXES = ['x-ms-', 'odata-', 'mscrm', 'consistency', 'caller', 'cookie'];

/** All requests to the emulator, and how many ran at once. */
export class RequestJournal implements Iterable<JournalEntry> {
  #entries: JournalEntry[] = [];
  #running = 0;
  #peakConcurrency = 0;

  get entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  /** The largest number of Web API requests that ran at the same time. */
  get peakConcurrency(): number {
    return this.#peakConcurrency;
  }

  [Symbol.iterator](): Iterator<JournalEntry> {
    return this.#entries[Symbol.iterator]();
  }

  add(entry: JournalEntry): void {
    this.#entries.push(entry);
    if (!isData(entry)) return;
    this.#running += 1;
    this.#peakConcurrency = Math.max(this.#peakConcurrency, this.#running);
  }

  finish(entry: JournalEntry, status: number, now: number): void {
    entry.status = status;
    entry.durationMs = now - entry.at;
    if (isData(entry)) this.#running -= 1;
  }

  find(filter: JournalFilter = {}): JournalEntry[] {
    return this.#entries.filter(
      (entry) =>
        (filter.method === undefined || entry.method === filter.method) &&
        (filter.kind === undefined || entry.kind === filter.kind) &&
        (filter.table === undefined || entry.table === filter.table) &&
        (filter.status === undefined || entry.status === filter.status),
    );
  }

  count(filter: JournalFilter = {}): number {
    return this.find(filter).length;
  }

  /** The largest number of Web API requests that started within any stretch of the given length. */
  peakInWindow(seconds: number): number {
    const starts = this.#entries.filter(isData).map((entry) => entry.at);
    let peak = 0;
    let first = 0;
    for (const [index, start] of starts.entries()) {
      while ((starts[first] ?? start) <= start - seconds * 1000) first += 1;
      peak = Math.max(peak, index - first + 1);
    }
    return peak;
  }

  /** Forgets all requests. The concurrency peak starts again from the requests that still run. */
  clear(): void {
    this.#entries = [];
    this.#peakConcurrency = this.#running;
  }
}

/** The headers that a journal keeps. None of them can hold a secret. */
export function journalHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    if (!KEPT_HEADERS.includes(name) && !KEPT_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    kept[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return kept;
}

function isData(entry: JournalEntry): boolean {
  return entry.kind !== 'token' && entry.kind !== 'openid';
}
