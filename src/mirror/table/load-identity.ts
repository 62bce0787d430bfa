import { partitionsOf } from './partitions/partition-identity.ts';

/** The mark of a load. It stands beside the mirror table's rows, and in the state as well. */
export interface LoadMark {
  /** Id of the load; each load has its own. */
  readonly load: string;
  /** Pages that brought something, of that load and since. */
  readonly pages: number;
}

/** What the state remembers about the table that was loaded. */
export interface RememberedLoad {
  /** Null where an earlier version loaded the table, or where nothing has loaded it yet. */
  readonly mark: LoadMark | null;
  /** PostgreSQL's numbers of the mirror table, of its file, and of the table of marks. */
  readonly relation: number | null;
  readonly file: number | null;
  readonly marks: number | null;
  /** Which partitions the mirror table has, see `identityOfPartitions`; null where it has none, or if that is unknown. */
  readonly parts: string | null;
  /** Partitions with rows; null where nobody counted them. */
  readonly filled: number | null;
  /** Null where that is unknown. */
  readonly hasRows: boolean | null;
}

/** The table that now has the mirror table's name. */
export interface FoundTable {
  readonly relation: number;
  readonly file: number;
  /** Null where it has no partitions. */
  readonly parts: string | null;
  readonly filled: number | null;
  /** Null where there is no table of marks. */
  readonly marks: number | null;
  /** Null where the mirror table has none. */
  readonly mark: LoadMark | null;
  /** A TRUNCATE would have been noticed: our trigger is there and always fires. */
  readonly guarded: boolean;
  readonly hasRows: boolean;
}

/**
 * Says why the stored link cannot be trusted with the mirror table that is there; null where it can. Four
 * things may have happened without our knowledge:
 *
 * - Another table has the name: it was renamed, or restored from a dump. A table keeps its number for life.
 *   After a dump was restored into another database, both mirror and state have other numbers, marks
 *   included. Then the marks tell whether mirror and state are of the same moment.
 * - The rows are of an earlier moment: the mark beside them is behind the one in the state. A state that is
 *   behind its mirror does no harm, because its link brings again what the rows already have.
 * - All rows went. Without a trigger, a new file shows it. With the trigger in place a new file comes from
 *   VACUUM FULL, CLUSTER or ALTER TABLE, which lose no rows.
 * - A table that had rows has none: they were deleted by hand, or the table was UNLOGGED and a crash emptied
 *   it.
 *
 * Each of them may happen to a single partition too.
 */
export function whyUntrusted(remembered: RememberedLoad, found: FoundTable): string | null {
  const emptied = remembered.hasRows !== false && !found.hasRows;
  if (remembered.mark === null || remembered.relation === null) return emptied ? EMPTIED : null;
  const isSame =
    found.relation === remembered.relation &&
    (remembered.parts === null || partitionsOf(remembered.parts) === partitionsOf(found.parts));
  if (found.mark === null) {
    if (!isSame) return REPLACED;
  } else {
    const { load, pages } = found.mark;
    if (load !== remembered.mark.load) return ANOTHER_LOAD;
    if (pages < remembered.mark.pages) return EARLIER;
    // The marks were restored together with the table, so they tell about this table.
    if (!isSame && found.marks === remembered.marks) return REPLACED;
  }
  if (emptied) return EMPTIED;
  if ((found.filled ?? 0) < (remembered.filled ?? 0)) return PART_EMPTIED;
  const isRewritten = found.file !== remembered.file || found.parts !== remembered.parts;
  return isSame && isRewritten && !found.guarded ? REWRITTEN : null;
}

const REPLACED = 'another table has taken the place of the one that was loaded';
const ANOTHER_LOAD = 'its rows are of another load';
const EARLIER = 'its rows are of an earlier moment';
const EMPTIED = 'it had rows and has none';
const PART_EMPTIED = 'a partition of it had rows and has none';
const REWRITTEN = 'it may have been truncated while the trigger that tells of it was off';
