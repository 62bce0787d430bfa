import type { Table } from '../../../model/table.ts';

/**
 * One state of the environment's metadata. All that was read at a basis is as it was at that state, or newer. The
 * changes since then are those between the two stamps, or, without a stamp, between the two versions.
 */
export interface Basis {
  /** The environment's metadata version. */
  readonly version?: string | undefined;
  /** The stamp from which RetrieveMetadataChanges tells what has changed. */
  readonly stamp?: string | undefined;
}

/** What is kept of the metadata from process to process. Each basis is the text that `writeBasis` makes. */
export interface MetadataMemory {
  /** The basis of what is kept; undefined if nothing is, or if this process cannot use it. @throws Failure */
  basis(): Promise<string | undefined>;
  /** The definition that belongs to the basis. @throws Failure */
  table(logicalName: string, basis: string): Promise<Table | undefined>;
  /** The list of tables that belongs to the basis, as JSON. @throws Failure */
  list(basis: string): Promise<string | undefined>;
  keepList(basis: string, list: string): Promise<void>;
  /** The tables whose definitions or labels are affected by changes. @throws Failure */
  affected(changes: MetadataChanges): Promise<ReadonlySet<string>>;
  /**
   * Moves what is kept from one basis to another, all but what has changed.
   *
   * @param from undefined if nothing was kept.
   * @param changed undefined if everything may have changed.
   * @returns false, without effect, if another process has changed the basis.
   * @throws Failure
   */
  move(from: string | undefined, to: string, changed: MovedChanges | undefined): Promise<boolean>;
  /** Forgets everything, because the environment went back in time. @throws Failure */
  forget(): Promise<void>;
}

/** What is not moved to another basis. */
export interface MovedChanges {
  readonly tables: ReadonlySet<string>;
  /** Whether the labels of all tables must be read again. */
  readonly labels: boolean;
  /** Whether the list of tables must be read again. */
  readonly list: boolean;
}

/** What has changed since a stamp. */
export interface MetadataChanges {
  /** The stamp for the next question. */
  readonly stamp: string;
  /** Tables that are new or have a new or changed part. */
  readonly tables: ReadonlySet<string>;
  /** Ids of the parts that are gone: tables, columns, relationships, option sets and labels of any table. */
  readonly deleted: readonly string[];
  /** Whether option sets or labels are among them. */
  readonly deletesLabels: boolean;
}

/** Raised when definitions are read in another way, so that those of an earlier mirrorverse are read again. */
export const METADATA_FORMAT = 2;

/** The basis as text. */
export function writeBasis({ version, stamp }: Basis): string {
  return JSON.stringify([version ?? null, stamp ?? null]);
}

/** Reads what `writeBasis` wrote. */
export function parseBasis(text: string): Basis {
  const [version, stamp] = JSON.parse(text) as [string | null, string | null];
  return { ...(version === null ? {} : { version }), ...(stamp === null ? {} : { stamp }) };
}
