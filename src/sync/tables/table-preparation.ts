import type { Logger } from 'pino';
import type { Dataverse } from '../../dataverse/dataverse.ts';
import { readOrganization } from '../../dataverse/metadata/environment.ts';
import type { FeedWish } from '../../mirror/feed/log-triggers.ts';
import type { HistoryWish } from '../../mirror/history/expired-records.ts';
import type { DriftPolicy } from '../../mirror/table/drift.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import type { MarkedRows } from '../../mirror/deletes/marked-rows.ts';
import type { MirrorTable } from '../../mirror/table/mirror-table.ts';
import type { SettingsConflict, TableSettingsSeen } from '../../mirror/state/settings-conflict.ts';
import type { Lease } from '../../mirror/lease/leases.ts';
import { type RowFilter, selectionOf, type Table } from '../../model/table.ts';
import type { LabelKeeper } from '../watch/label-keeper.ts';
import { TablePartitions } from './table-partitions.ts';
import { SourceDefinition } from './source-definition.ts';
import { mirroredPart, type ColumnSelection } from './table-selection.ts';

/** What of a table is mirrored, and how. */
export interface TableWishes {
  readonly name: string;
  readonly mode: 'changes' | 'snapshot';
  readonly columns: ColumnSelection;
  /** Tells the hash key in use from any other; absent where there is none. */
  readonly hashKeyId?: string;
  /** Which rows are mirrored; absent: all. */
  readonly rows?: RowFilter;
  readonly softDeletes: boolean;
  /** The lookups have indexes; absent: they have none. */
  readonly indexesLookups?: boolean;
  readonly drift: DriftPolicy;
  /** What the change log has of the table; absent: nothing. */
  readonly feed?: FeedWish;
  /** How the history of the table is kept; absent: it has none. */
  readonly history?: HistoryWish;
  /** How many partitions the mirror table has, by hash of its key; absent: it has none. */
  readonly partitions?: number;
}

/** A mirror table that fits the source's metadata, and what that means for the rows in it. */
export interface PreparedTable {
  readonly mirror: MirrorTable;
  readonly created: boolean;
  readonly refills: boolean;
  readonly hasRows: boolean;
  /** Rows that are marked deleted and wait for a yes; null if there are none. */
  readonly waiting: MarkedRows | null;
  /** Rows that were marked deleted and are gone since this look. */
  readonly erased: number;
}

/** What is known of the indexes on lookups when a table has been prepared. */
export interface PreparedIndexes {
  readonly mirror: MirrorTable;
  /** There were some that mirrorverse made. */
  readonly hasOurIndexes: boolean;
}

interface Prepared extends PreparedIndexes {
  readonly definition: Table;
  readonly selection: string;
  readonly waiting: MarkedRows | null;
}

/** Keeps one table's mirror table in step with the source's metadata. */
export class TablePreparation {
  private readonly wishes: TableWishes;
  private readonly dataverse: Dataverse;
  private readonly mirror: Mirror;
  // The mirror table as this process last prepared it, for the definition it was prepared from.
  private prepared: Prepared | undefined;
  // The environment's metadata version at that time.
  private version: string | undefined;

  private readonly source: SourceDefinition;
  // The other process that was last told of.
  private told: string | undefined;
  private holder = '';

  private readonly labels: LabelKeeper | undefined;
  private readonly partitions: TablePartitions;
  private readonly logger: Logger;

  constructor(
    wishes: TableWishes,
    parts: {
      readonly dataverse: Dataverse;
      readonly mirror: Mirror;
      readonly logger: Logger;
      readonly labels?: LabelKeeper;
    },
  ) {
    this.wishes = wishes;
    this.dataverse = parts.dataverse;
    this.mirror = parts.mirror;
    this.labels = parts.labels;
    this.logger = parts.logger;
    this.partitions = new TablePartitions(wishes.partitions ?? null, parts.mirror, parts.logger);
    this.source = new SourceDefinition({ ...parts, table: wishes.name, mode: wishes.mode });
  }

  /**
   * The mirror table, made to fit where the metadata has been read anew since the last time. Metadata
   * is kept for as long as its version stays, so usually there is nothing to do and nothing is asked.
   *
   * @throws Failure
   */
  async make(lease: Lease, signal: AbortSignal): Promise<PreparedTable> {
    const { name, softDeletes, drift: policy, feed = 'off' } = this.wishes;
    const settings = settingsOf(this.wishes);
    const definition = await this.source.read(signal);
    this.version = this.dataverse.metadata.version;
    this.holder = lease.holder;
    if (this.prepared?.definition === definition && !this.partitions.isDue) {
      if (this.labels?.isDue(name) === true) await this.labels.keep(name, lease, signal);
      const { mirror, waiting } = this.prepared;
      return { mirror, created: false, refills: false, hasRows: true, waiting, erased: 0 };
    }
    const wanted = mirroredPart(definition, this.wishes);
    const options = {
      definition,
      basis: this.source.basis,
      policy,
      settings,
      feed,
      history: this.hasHistory,
      partitions: this.wishes.partitions ?? null,
    };
    const ready = await this.mirror.prepare(wanted, softDeletes, lease, options, signal);
    const { mirror, waiting, hasOurIndexes } = ready;
    this.prepared = { definition, mirror, selection: selectionOf(mirror.table), waiting, hasOurIndexes };
    this.tellConflict(ready.conflict);
    if (ready.untrusted !== null) {
      this.logger.warn(
        { table: name, code: 'mirror-replaced' },
        `The mirror table of ${name} is not as mirrorverse left it: ${ready.untrusted}. The table is loaded anew.`,
      );
    }
    if (ready.changes.length > 0) {
      this.logger.info(
        { table: name, changes: ready.changes },
        `Table ${name} has changed: ${ready.changes.join('; ')}.`,
      );
    }
    if (ready.pending !== null) {
      this.logger.warn(
        { table: name, pending: ready.pending },
        `A change of table ${name} waits for a yes: ${ready.pending} See \`mirrorverse plan ${name}\`.`,
      );
    }
    if (ready.leftBehind.length > 0) {
      this.logger.warn(
        { table: name, dependents: ready.leftBehind },
        `Columns of ${name} were replaced; ${ready.leftBehind.join(', ')} still reads the old columns, whose values no longer change.`,
      );
    }
    if (ready.unpublished.length > 0) {
      this.logger.warn(
        { table: name, statements: ready.unpublished },
        `Table ${name} is not in a publication that mirrorverse keeps, and PostgreSQL did not let it in. The owner of both has to run: ${ready.unpublished.join(' ')}`,
      );
    }
    const isMoved = await this.partitions.keep(ready, lease, signal);
    // If even the definition cannot be read, reading labels would only delay the rows.
    if (!this.source.isStandIn) await this.labels?.keep(name, lease, signal);
    return isMoved ? { ...ready, refills: true } : ready;
  }

  /** Warns once about each other process, because both may go on for a long time. */
  private tellConflict(conflict: SettingsConflict | null): void {
    const { name } = this.wishes;
    if (conflict === null || this.told === conflict.holder) return;
    this.told = conflict.holder;
    const { holder, differences } = conflict;
    this.logger.warn(
      { table: name, code: 'settings-differ', holder: this.holder, other: holder, differences },
      `Table ${name} is mirrored with other settings by ${holder} than by ${this.holder} (${differences.join('; ')}). Each process undoes what the other does. Give both the same settings.`,
    );
  }

  /**
   * Compares the selection of the table's checkpoint with the selection that this process prepared. If they differ,
   * another process has prepared the table. It may know changes at the source that this process does not know and
   * would undo. So the mirror table is prepared again, with the metadata of now.
   *
   * @throws Failure
   */
  async compare(selection: string | null, signal: AbortSignal): Promise<void> {
    if (this.prepared === undefined || this.selection === selection) return;
    this.forget();
    const { client, metadata } = this.dataverse;
    const { metadataVersion } = await readOrganization(client, signal);
    if (metadataVersion === undefined) metadata.forget(this.wishes.name);
    else metadata.observe(metadataVersion);
  }

  /** Whether `compare` and `make` would find nothing to do and make no request. */
  isSettled(selection: string): boolean {
    const { prepared, wishes } = this;
    if (this.labels?.isDue(wishes.name) === true || this.partitions.isDue) return false;
    return prepared?.selection === selection && this.source.isCurrent(prepared.definition);
  }

  /** What the mirror table was last prepared for; undefined before, and after `forget`. */
  get selection(): string | undefined {
    return this.prepared?.selection;
  }

  /** The table as it was last prepared; undefined before, and after `forget`. */
  get table(): Table | undefined {
    return this.prepared?.mirror.table;
  }

  /** What the change log is to have of the table. */
  get feed(): FeedWish {
    return this.wishes.feed ?? 'off';
  }

  /** Whether the table is to have a history. */
  get hasHistory(): boolean {
    return this.wishes.history !== undefined;
  }

  /** What was prepared last, as far as indexes go; undefined before, and after `forget`. */
  get indexes(): PreparedIndexes | undefined {
    return this.prepared;
  }

  /** Whether the environment's metadata has changed since the table was last prepared. */
  get isOutdated(): boolean {
    return this.dataverse.metadata.version !== this.version;
  }

  /**
   * Rows could not be stored. The reason may be a definition that stands in for the environment's, so the next `make`
   * first asks for the environment's.
   */
  askAgain(): void {
    this.source.askAgain();
  }

  /** Makes the next run prepare the table again, because this process may be wrong about the mirror table. */
  forget(): void {
    this.prepared = undefined;
    this.source.forget();
  }
}

/** What the configuration says of a table, as the state records it. */
export function settingsOf(wishes: TableWishes): TableSettingsSeen {
  const { softDeletes, mode, columns, hashKeyId, indexesLookups, feed = 'off' } = wishes;
  const { history, rows, partitions } = wishes;
  const settings = { deletes: softDeletes ? 'soft' : 'hard', mode, ...byKey(columns), hashKeyId };
  // Settings that were recorded by earlier versions stay the same.
  return {
    ...settings,
    ...(indexesLookups === true ? { indexes: 'lookups' } : {}),
    ...(feed === 'off' ? {} : { feed }),
    ...(history === undefined ? {} : { history: true }),
    ...(partitions === undefined ? {} : { partition: partitions }),
    // Another process only has to know that the filter is another one.
    ...(rows === undefined ? {} : { rows: rows.fingerprint }),
  };
}

/** A selection's settings by their keys in the configuration. */
function byKey({ include, exclude, hash, files }: ColumnSelection): Readonly<Record<string, unknown>> {
  const chosen = { 'columns.include': include, 'columns.exclude': exclude, 'columns.hash': hash };
  return files === undefined ? chosen : { ...chosen, files };
}
