import type { DeltaToken } from './rows/delta-token.ts';

/** What a page hook gets. */
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

/** The switches of an emulator. They can be changed at any time. */
export class EmulatorSettings {
  /** Bearer tokens that are accepted, besides those that the token endpoint issues. */
  readonly bearerTokens = new Set(['emulator-token']);
  tenantId = '11111111-2222-4333-8444-555555555555';
  clientId: string | null = null;
  clientSecret = 'emulator-secret';
  tokenLifetimeSeconds = 3599;
  userId = '4026be43-6b69-e111-8f65-78e7d1620f5e';

  /**
   * An environment on premises: below which path it is, the newest minor version of its Web API, and how it answers a
   * newer one. Its metadata has no `TableType`. Null for the cloud.
   */
  onPremises: { readonly path: string; readonly newest: number; readonly newerVersion: 404 | 501 } | null =
    null;
  /** What the environment is called at AD FS; any other `resource` is refused. */
  adfsResource: string | null = null;

  /** Logical names of tables that the caller has no privilege to read. */
  readonly deniedTables = new Set<string>();
  /** Privileges that the caller lacks, beside those that a table is read with: prvReadRecordAuditHistory and others. */
  readonly deniedPrivileges = new Set<string>();
  /** By id of an audit row, the AuditDetail that RetrieveAuditDetails gives, as JSON. */
  readonly auditDetails = new Map<string, string>();
  /** By table, the rows that a security role hides from the caller: no page has them. */
  readonly hiddenRows = new Map<string, (id: string) => boolean>();
  /** The answer to the read of a single hidden row: 403 says that it may not be read, 404 that it does not exist. */
  hiddenRowStatus: 403 | 404 = 403;
  /** How a tracked read of a table without change tracking ends: with an error, or without a link. */
  untrackedTables: 'error' | 'no-link' = 'error';

  /**
   * How a tracked read of a virtual table ends whose change tracking is on: with a delta link, without one, or with a
   * refusal by the provider.
   */
  virtualTables: 'tracked' | 'no-link' | 'refused' = 'tracked';
  /** Whether `Preference-Applied` tells of the tracking of a virtual table. */
  virtualTellsTracking = true;
  /** The delta tokens of virtual tables: as those of other tables, with a number that falls, or without a number. */
  virtualTokens: 'counter' | 'falling' | 'opaque' = 'counter';

  expireChangeTrackingInDays = 7;
  expiredTokenStatus: 400 | 410 = 400;
  /** Whether a change of a table's columns expires the tokens given out before it. */
  expireOnMetadataChange = false;
  /** The answer to a token whose version the organization has not reached, for example after a restore. */
  tokenAhead: 'empty' | 'error' = 'empty';
  /** Which version the token of an initial load carries: the version at its first page or at its last page. */
  tokenFrom: 'first-page' | 'last-page' = 'first-page';
  /** Whether later pages show rows changed after the first page. */
  pagesSee: 'frozen' | 'live' = 'frozen';
  /** Whether a delta still has the delete entry of a row that was restored since, after the row itself. */
  restoredRows: 'with-tombstone' | 'without-tombstone' = 'with-tombstone';
  /** Whether rows of deltas spell out null columns. */
  nullsInDelta: 'explicit' | 'omitted' = 'explicit';
  /** Whether the last page of a tracked read has no delta link if the request asked for the metadata version. */
  versionCostsLinks = false;
  /** Where the delta link stands in a page. */
  deltaLinkPosition: 'before-value' | 'after-value' = 'before-value';

  /** The answer to a link whose `$select` names a column that was removed later. */
  removedColumns: 'error' | 'left-out' = 'error';
  /** How many calculated and formula columns one read may return; null for any number. */
  maxCalculatedFields: number | null = null;
  /** What becomes of a `Range`: files in the database of an environment (BYOK) refuse it, a front end may ignore it. */
  fileRanges: 'served' | 'refused' | 'ignored' = 'served';
  /** Whether a range has the header Content-Range. The documentation does not show it. */
  tellsContentRange = false;
  /** Whether image columns keep full images, besides thumbnails. */
  fullImages = true;
  /** Whether RetrieveMetadataChanges is there, and the caller may use it. */
  metadataChanges: 'offered' | 'unknown' | 'denied' = 'offered';
  /** After how many days a stamp of RetrieveMetadataChanges has expired. */
  expireSubscriptionsInDays = 90;
  /** Whether RetrieveMetadataChanges tells a change of a global choice as a change of the columns that use it. */
  globalChoices: 'told' | 'untold' = 'told';
  /** Whether the caller may change and publish table definitions. */
  mayCustomize = true;

  readonly limits: ServiceLimits = {
    windowSeconds: 300,
    requests: 6000,
    executionMilliseconds: 1_200_000,
    concurrency: 52,
  };
  dopHint = 48;
  /** A value of a row. Every answer with an error quotes it, together with the token and the link of the request. */
  errorsQuote: string | null = null;
  /** The origin in links, if it is not the origin that the request was sent to. */
  publicOrigin: string | null = null;
  /** Called after a page has been computed and before it is sent. */
  onPage: ((info: PageInfo) => void | Promise<void>) | null = null;

  /** Called before the body of a file or an image is sent. */
  onBody: (() => void | Promise<void>) | null = null;

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

  /** The time stamp for a token issued now. It is later than that of each expired token, in whole seconds. */
  issueTime(): number {
    return Math.max(wholeSeconds(this.#now()), this.#expiredUntil + 1000);
  }

  /**
   * Whether a token has expired, by age or by {@link expireTokens}. The token of a walk that began before
   * {@link expireTokens} has expired too, because the walk took longer than deletions are kept.
   */
  isExpired({ issuedAt, version }: DeltaToken, currentVersion: bigint): boolean {
    const age = this.#now() - issuedAt;
    return (
      this.isPurged(version, currentVersion) ||
      issuedAt <= this.#expiredUntil ||
      age > this.expireChangeTrackingInDays * 86_400_000
    );
  }

  /** Whether deletions since a version are forgotten. After a reset to an earlier version they are not. */
  isPurged(version: bigint, currentVersion: bigint): boolean {
    return version < this.#purgedUpTo && this.#purgedUpTo <= currentVersion;
  }
}

function wholeSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) * 1000;
}
