import type { DeltaToken } from './rows/delta-token.ts';

/** What a page hook is told. */
export interface PageInfo {
  readonly table: string;
  readonly kind: 'baseline' | 'delta' | 'list';
  readonly pageNumber: number;
}

/** The service protection limits of one web server. */
export interface ServiceLimits {
  windowSeconds: number;
  requests: number;
  executionMilliseconds: number;
  concurrency: number;
}

/** The switches of an emulator, to be changed at any time. */
export class EmulatorSettings {
  /** Bearer tokens accepted as they are, besides those of the token endpoint. */
  readonly bearerTokens = new Set(['emulator-token']);
  tenantId = '11111111-2222-4333-8444-555555555555';
  clientId: string | null = null;
  clientSecret = 'emulator-secret';
  tokenLifetimeSeconds = 3599;
  userId = '4026be43-6b69-e111-8f65-78e7d1620f5e';

  /** Logical names of tables whose reading is answered with a missing privilege. */
  readonly deniedTables = new Set<string>();
  /** Rows by table that a security role keeps from the caller: no page has them. */
  readonly hiddenRows = new Map<string, (id: string) => boolean>();
  /** How the read of a single hidden row is answered: 403 as one that may not be read, 404 as none. */
  hiddenRowStatus: 403 | 404 = 403;
  /** How a tracked read of a table without change tracking ends: with an error, or without any link. */
  untrackedTables: 'error' | 'no-link' = 'error';

  expireChangeTrackingInDays = 7;
  expiredTokenStatus: 400 | 410 = 400;
  /** Whether a change of a table's columns expires the tokens given out before it. */
  expireOnMetadataChange = false;
  /** What a token says whose version the organization has not reached, as after a restore. */
  tokenAhead: 'empty' | 'error' = 'empty';
  /** Which version the token of an initial load carries: that of its first or of its last page. */
  tokenFrom: 'first-page' | 'last-page' = 'first-page';
  /** Whether later pages show rows changed after the first page. */
  pagesSee: 'frozen' | 'live' = 'frozen';
  /** Whether the delete entry of a row that was restored meanwhile still comes, after its upsert. */
  restoredRows: 'with-tombstone' | 'without-tombstone' = 'with-tombstone';
  /** Whether rows of deltas spell out null columns. */
  nullsInDelta: 'explicit' | 'omitted' = 'explicit';
  /** Whether asking for the metadata version with a tracked read costs its last page the delta link. */
  versionCostsLinks = false;
  /** Where the delta link stands in a page. */
  deltaLinkPosition: 'before-value' | 'after-value' = 'before-value';

  /** What a link says whose `$select` names a column that has been removed since. */
  removedColumns: 'error' | 'left-out' = 'error';
  /** How many calculated and formula columns one read may return; null for any number. */
  maxCalculatedFields: number | null = null;
  /** Whether the caller may change and publish table definitions. */
  mayCustomize = true;

  readonly limits: ServiceLimits = {
    windowSeconds: 300,
    requests: 6000,
    executionMilliseconds: 1_200_000,
    concurrency: 52,
  };
  dopHint = 48;
  /** A value of a row that every answer which is no success quotes, beside the token and the link it was asked with. */
  errorsQuote: string | null = null;
  /** The origin that links show, when it is not the one the request came to. */
  publicOrigin: string | null = null;
  /** Called after a page has been computed and before it is sent. */
  onPage: ((info: PageInfo) => void | Promise<void>) | null = null;

  readonly #now: () => number;
  readonly #onExpire: () => bigint;
  readonly #onRevoke: () => void;
  #expiredUntil = Number.NEGATIVE_INFINITY;
  #purgedUpTo = 0n;

  /** @param onExpire purges the delete log; returns the version up to which it is gone. */
  constructor(now: () => number, onExpire: () => bigint, onRevoke: () => void) {
    this.#now = now;
    this.#onExpire = onExpire;
    this.#onRevoke = onRevoke;
  }

  /** Makes every delta token given out so far expire, and purges the delete log. */
  expireTokens(): void {
    this.#expiredUntil = this.issueTime();
    this.#purgedUpTo = this.#onExpire();
  }

  /** Withdraws every access token of the token endpoint: the next call with one is answered with 401. */
  revokeTokens(): void {
    this.#onRevoke();
  }

  /** The time stamp for a token issued now. Tokens carry whole seconds, so one is later than any expired one. */
  issueTime(): number {
    return Math.max(wholeSeconds(this.#now()), this.#expiredUntil + 1000);
  }

  /**
   * Whether a token has expired, by age or by {@link expireTokens}. One of a walk that had begun by then
   * has too, though it is issued later: that walk has lasted for longer than deletions are kept.
   */
  isExpired({ issuedAt, version }: DeltaToken, currentVersion: bigint): boolean {
    const age = this.#now() - issuedAt;
    return (
      this.isPurged(version, currentVersion) ||
      issuedAt <= this.#expiredUntil ||
      age > this.expireChangeTrackingInDays * 86_400_000
    );
  }

  /** Whether deletions since a version are forgotten; an organization that was reset goes on from before. */
  isPurged(version: bigint, currentVersion: bigint): boolean {
    return version < this.#purgedUpTo && this.#purgedUpTo <= currentVersion;
  }
}

function wholeSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) * 1000;
}
