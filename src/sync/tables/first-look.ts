import type { Dataverse } from '../../dataverse/dataverse.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import { fingerprintOf } from '../../mirror/state/settings-conflict.ts';
import { mirrorTable } from '../../mirror/table/mirror-table.ts';
import { findUntouched, fitsUnchanged, type UntouchedTable } from '../../mirror/table/untouched-tables.ts';
import type { Link } from '../../model/page.ts';
import { selectionOf, type Table } from '../../model/table.ts';
import { settingsOf, type TableWishes } from './table-preparation.ts';
import { mirroredPart } from './table-selection.ts';

/** A table that its first run may poll without its lease. */
export interface FoundStanding {
  readonly table: Table;
  readonly link: Link;
  readonly selection: string;
  readonly fence: bigint;
  /** Rows that runs of all processes have written or deleted so far. */
  readonly changes: number;
}

export interface FirstLookParts {
  readonly dataverse: Dataverse;
  readonly mirror: Mirror;
  /** The process, by its name to the leases. */
  readonly holder: string;
}

/** Tables that are looked at together. They are few enough that one of them hardly delays the others. */
const TOGETHER = 40;
/** Milliseconds for which a look holds. A person may edit a table after the look, while its run waits for a place. */
const FRESH = 30_000;

type Untouched = ReadonlyMap<string, UntouchedTable>;
const NONE: Untouched = new Map();

/**
 * The first look of a process at the tables of a pass. A new process does not know that a table is as the last
 * process left it, and would prepare it with its lease. This look asks the same for many tables at once. A table that
 * needs anything is prepared by its run, which also tells what is wrong with the table.
 */
export class FirstLook {
  private readonly parts: FirstLookParts;
  private readonly groups: readonly (readonly TableWishes[])[];
  private readonly groupOf: ReadonlyMap<string, number>;
  private readonly looks = new Map<number, Promise<Untouched>>();
  /** When each look began, by `performance.now()`. */
  private readonly lookedAt = new Map<number, number>();

  constructor(parts: FirstLookParts, tables: readonly TableWishes[]) {
    this.parts = parts;
    const count = Math.ceil(tables.length / TOGETHER);
    this.groups = Array.from({ length: count }, (_, at) => tables.slice(at * TOGETHER, (at + 1) * TOGETHER));
    this.groupOf = new Map(
      this.groups.flatMap((group, at) => group.map(({ name }): [string, number] => [name, at])),
    );
  }

  /**
   * The table, if neither the environment's metadata nor a person has changed anything since its last run.
   *
   * @returns undefined if the run has to prepare the table, and if anything of the look fails.
   * @throws the signal's reason if aborted.
   */
  async find(wishes: TableWishes, signal: AbortSignal): Promise<FoundStanding | undefined> {
    try {
      return await this.look(wishes, signal);
    } catch {
      signal.throwIfAborted();
      // The preparation meets the failure, and tells about it.
      return undefined;
    }
  }

  private async look(wishes: TableWishes, signal: AbortSignal): Promise<FoundStanding | undefined> {
    const { name, softDeletes, indexesLookups } = wishes;
    const group = this.groupOf.get(name);
    if (group === undefined) return undefined;
    const looked = this.begin(group, signal);
    // The tables of the next group come soon.
    void this.begin(group + 1, signal);
    const found = (await looked).get(name);
    if (performance.now() - (this.lookedAt.get(group) ?? 0) > FRESH) return undefined;
    const { metadata } = this.parts.dataverse;
    if (found === undefined || metadata.basis === undefined) return undefined;
    const definition = await metadata.table(name, signal);
    // The metadata may have changed since the state was asked.
    if (metadata.basisOf(definition) !== metadata.basis) return undefined;
    const wanted = mirroredPart(definition, wishes);
    if (selectionOf(wanted) !== found.selection) return undefined;
    const attributes = new Set(definition.columns.map(({ attribute }) => attribute));
    const mirror = mirrorTable(wanted, this.parts.mirror.schema, softDeletes);
    if (!fitsUnchanged(mirror, attributes, found, indexesLookups)) return undefined;
    const { link, selection, fence, changes } = found;
    return { table: mirror.table, link, selection, fence, changes };
  }

  private async begin(group: number, signal: AbortSignal): Promise<Untouched> {
    const tables = this.groups[group];
    if (tables === undefined) return NONE;
    let look = this.looks.get(group);
    if (look === undefined) {
      this.lookedAt.set(group, performance.now());
      look = this.ask(tables, signal).catch(() => NONE);
      this.looks.set(group, look);
    }
    return look;
  }

  private async ask(tables: readonly TableWishes[], signal: AbortSignal): Promise<Untouched> {
    const { dataverse, mirror, holder } = this.parts;
    const basis = await dataverse.metadata.unchangedBasis(signal);
    if (basis === undefined) return NONE;
    return findUntouched(mirror, {
      basis,
      holder,
      tables: new Map(tables.map((wishes) => [wishes.name, fingerprintOf(settingsOf(wishes))])),
      logged: new Set(tables.flatMap(({ name, feed }) => ((feed ?? 'off') === 'off' ? [] : [name]))),
      divided: new Map(
        tables.flatMap(({ name, partitions }) => (partitions === undefined ? [] : [[name, partitions]])),
      ),
      recorded: new Set(tables.flatMap(({ name, history }) => (history === undefined ? [] : [name]))),
    });
  }
}
