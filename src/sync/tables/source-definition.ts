import { readableTime } from '../../model/readable-figures.ts';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Dataverse } from '../../dataverse/dataverse.ts';
import { nameOfOdd } from '../../dataverse/metadata/odd-definitions.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import { readDefinition, recordRead, recordUnread } from '../../mirror/state/definitions.ts';
import { LogThrottle } from '../../log/log-throttle.ts';
import type { FailureCode } from '../../model/failure-codes.ts';
import { Failure } from '../../model/failure.ts';
import { backOff } from '../../timing/back-off.ts';
import type { Table } from '../../model/table.ts';
import { withKnownColumns } from './known-columns.ts';

export interface SourceDefinitionParts {
  readonly table: string;
  readonly mode: 'changes' | 'snapshot';
  readonly dataverse: Dataverse;
  readonly mirror: Mirror;
  readonly logger: Logger;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Milliseconds without any answer about metadata, after which a table goes on with its known definition. */
const PATIENCE = { first: 30 * SECOND, longest: 240 * SECOND };
/** The rest after a definition could not be read. */
const REST = { first: MINUTE, longest: HOUR };

/** A table's definition that could not be read, and what stands in for it. */
interface StandIn {
  readonly definition: Table;
  readonly failures: number;
  /** By `performance.now()`. */
  readonly retryAt: number;
}

/** Failures of metadata that say nothing about rows. The rows may be readable. */
const OF_METADATA: ReadonlySet<FailureCode> = new Set([
  'source-unavailable',
  'unexpected-answer',
  'request-refused',
  'privilege-missing',
  'answer-too-large',
  'definition-odd',
  'not-mirrorable',
]);

/**
 * The definition of one table. It comes from the environment. If the environment's definition cannot be read or is
 * odd, the definition that the mirror table was last made for stands in, so that a table in use goes on.
 */
export class SourceDefinition {
  private readonly parts: SourceDefinitionParts;
  private readonly unread: LogThrottle;
  private standIn: StandIn | undefined;
  // The definition in use, with what was read from the environment to make it.
  private current: { readonly read: Table; readonly definition: Table } | undefined;
  private readonly told = new Set<string>();
  private known: { readonly definition: Table | undefined; readonly isUnread: boolean } | undefined;

  constructor(parts: SourceDefinitionParts) {
    this.parts = parts;
    this.unread = new LogThrottle(parts.logger, { quiet: Infinity });
  }

  /** Whether `read` would return this definition without a request. */
  isCurrent(definition: Table): boolean {
    if (this.standIn !== undefined) {
      return this.standIn.definition === definition && performance.now() < this.standIn.retryAt;
    }
    const { dataverse, table } = this.parts;
    const { current } = this;
    return current?.definition === definition && dataverse.metadata.known(table) === current.read;
  }

  /** Whether the last definition stands in for the environment's. */
  get isStandIn(): boolean {
    return this.standIn !== undefined;
  }

  /** The state of the metadata that the definition in use belongs to; undefined if it may not be kept for later. */
  get basis(): string | undefined {
    const { current } = this;
    if (this.standIn !== undefined || current === undefined || current.definition !== current.read)
      return undefined;
    return this.parts.dataverse.metadata.basisOf(current.read);
  }

  /**
   * The definition of the table. It is the same object as long as nothing has changed.
   *
   * @throws Failure if the definition cannot be read, and none is known.
   */
  async read(signal: AbortSignal): Promise<Table> {
    if (this.standIn !== undefined && performance.now() < this.standIn.retryAt)
      return this.standIn.definition;
    const { definition: known } = (this.known ??= await this.load());
    try {
      const read = await this.ask(known !== undefined, signal);
      if (read.byFlags === true && known !== undefined && known.byFlags !== true) throw flagsAlone(read);
      if (this.current?.read !== read) {
        this.current = { read, definition: withKnownColumns(read, known) };
        this.tellOdd(this.current.definition);
      }
      await this.readAgain();
      this.known = { definition: this.current.definition, isUnread: false };
      return this.current.definition;
    } catch (error) {
      signal.throwIfAborted();
      if (known === undefined || !isOfMetadata(error)) throw error;
      return this.standInFor(known, error);
    }
  }

  /** Makes the next `read` ask the environment, even shortly after a failure, because rows do not fit. */
  askAgain(): void {
    if (this.standIn !== undefined) this.standIn = { ...this.standIn, retryAt: Number.NEGATIVE_INFINITY };
  }

  /** Forgets the known definition, because another process may have prepared the table since. */
  forget(): void {
    this.known = undefined;
  }

  /** @param isHurried a definition is known, so an environment that does not answer is not waited for. */
  private async ask(isHurried: boolean, signal: AbortSignal): Promise<Table> {
    const { dataverse, table, mode } = this.parts;
    const { metadata } = dataverse;
    if (!isHurried) return metadata.table(table, signal, mode);
    const patience = new AbortController();
    // The wait grows with each failure, because an environment may always be this slow.
    const longest = backOff(PATIENCE, (this.standIn?.failures ?? 0) + 1);
    const begun = performance.now();
    const watch = setInterval(() => {
      // Any answer about metadata counts, because the environment answers hundreds of tables one after another.
      const silence = performance.now() - Math.max(begun, metadata.answeredAt);
      if (silence >= longest) patience.abort(unanswered(table, longest));
    }, SECOND);
    try {
      return await metadata.table(table, AbortSignal.any([signal, patience.signal]), mode);
    } catch (error) {
      throw patience.signal.aborted ? patience.signal.reason : error;
    } finally {
      clearInterval(watch);
    }
  }

  /** Logs once for each odd attribute what happens to its column. */
  private tellOdd(definition: Table): void {
    const { table, logger } = this.parts;
    const present = new Set(definition.columns.map(({ attribute }) => attribute));
    for (const item of definition.odd ?? []) {
      const column = nameOfOdd(item);
      if (this.told.has(`${column} ${item.reason}`)) continue;
      this.told.add(`${column} ${item.reason}`);
      const outcome = item.name !== null && present.has(item.name) ? 'stays as it was known' : 'is left out';
      logger.warn(
        { table, column },
        `The definition of column ${column} of table ${table} is odd: ${item.reason}. The column ${outcome}.`,
      );
    }
  }

  private async standInFor(known: Table, failure: Failure): Promise<Table> {
    const { table, mirror } = this.parts;
    const before = this.standIn;
    const failures = (before?.failures ?? 0) + 1;
    const since = await recordUnread(mirror.store, table, failure.code);
    this.known = { definition: known, isUnread: true };
    this.standIn = {
      definition: before?.definition ?? known,
      failures,
      retryAt: performance.now() + backOff(REST, failures),
    };
    this.unread.tell(
      '',
      { table, code: failure.code, remedy: failure.remedy, since },
      `The definition of table ${table} cannot be read since ${since === null ? 'now' : readableTime(since)}. The table goes on as it was known. ${failure.message}`,
    );
    return this.standIn.definition;
  }

  private async readAgain(): Promise<void> {
    const { table, mirror, logger } = this.parts;
    if (this.known?.isUnread === true) {
      await recordRead(mirror.store, table);
      logger.info({ table }, `The definition of table ${table} can be read again.`);
    }
    this.standIn = undefined;
    this.unread.over();
  }

  private async load(): Promise<{ readonly definition: Table | undefined; readonly isUnread: boolean }> {
    const { table, mirror } = this.parts;
    const stored = await readDefinition(mirror.store, table);
    const definition = stored?.definition;
    const { standIn } = this;
    // Another process may have changed the mirror table for a newer definition.
    if (
      standIn !== undefined &&
      definition !== undefined &&
      !isDeepStrictEqual(standIn.definition, definition)
    ) {
      this.standIn = { ...standIn, definition };
    }
    return { definition, isUnread: stored !== undefined && stored.unreadSince !== null };
  }
}

/** Whether a failure is about metadata only, so that known tables go on. */
export function isOfMetadata(error: unknown): error is Failure {
  if (!(error instanceof Failure) || !OF_METADATA.has(error.code)) return false;
  // Nobody turns a table into a virtual table by mistake, so this is a true answer.
  return error.details['virtual'] !== true;
}

function unanswered(table: string, milliseconds: number): Failure {
  return new Failure({
    code: 'source-unavailable',
    message: `The environment did not answer requests for the definition of table ${table} for ${milliseconds / SECOND} s.`,
    details: { table },
  });
}

/** On activity tables the flags deny inherited attributes, so columns would be lost. */
function flagsAlone({ logicalName: table }: Table): Failure {
  return new Failure({
    code: 'unexpected-answer',
    reaction: 'retry',
    message: `The environment's $metadata document does not contain table ${table}, or it cannot be read.`,
    remedy:
      'Let the signed-in identity read $metadata again. Until then the columns of the table stay as they are.',
    details: { table },
  });
}
