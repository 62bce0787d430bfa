/** The mark of a load, which lives beside the mirror table's rows and is in the state as well. */
export interface LoadMark {
  /** Of the load; each has another one. */
  readonly load: string;
  /** Pages of it and since, of those that brought something. */
  readonly pages: number;
}

/** What the state remembers of the table that was loaded. */
export interface RememberedLoad {
  /** Null where an earlier version loaded it, or nobody yet. */
  readonly mark: LoadMark | null;
  /** PostgreSQL's numbers of the mirror table, of its file, and of the table of marks. */
  readonly relation: number | null;
  readonly file: number | null;
  readonly marks: number | null;
  /** Null where that is unknown. */
  readonly hasRows: boolean | null;
}

/** What has the mirror table's name now. */
export interface FoundTable {
  readonly relation: number;
  readonly file: number;
  /** Null where there is no table of marks. */
  readonly marks: number | null;
  /** Null where the mirror table has none. */
  readonly mark: LoadMark | null;
  /** A TRUNCATE would have been told: our trigger is there and fires always. */
  readonly guarded: boolean;
  readonly hasRows: boolean;
}

/**
 * Why the link that the state has cannot be trusted with the mirror table that is there; null where it
 * can. Four things may have happened behind our back:
 *
 * - Another table has the name: renamed to it, or restored from a dump. A table has its number for life.
 *   Both have other ones after a dump was restored into another database, marks included: then the marks
 *   tell whether mirror and state are of one moment.
 * - The rows are of an earlier moment: the mark beside them is behind the one in the state. A state that
 *   is behind its mirror does no harm: its link brings again what the rows already have.
 * - All rows went, which a new file tells where no trigger did. With the trigger in place another file
 *   is one of VACUUM FULL, CLUSTER or ALTER TABLE, none of which loses rows.
 * - No row is left of a table that had some: deleted by hand, or UNLOGGED and emptied by a crash.
 */
export function whyUntrusted(remembered: RememberedLoad, found: FoundTable): string | null {
  const emptied = remembered.hasRows !== false && !found.hasRows;
  if (remembered.mark === null || remembered.relation === null) return emptied ? EMPTIED : null;
  const isSame = found.relation === remembered.relation;
  if (found.mark === null) {
    if (!isSame) return REPLACED;
  } else {
    const { load, pages } = found.mark;
    if (load !== remembered.mark.load) return ANOTHER_LOAD;
    if (pages < remembered.mark.pages) return EARLIER;
    // The marks came along with it, so what they say is of this table.
    if (!isSame && found.marks === remembered.marks) return REPLACED;
  }
  if (emptied) return EMPTIED;
  return isSame && found.file !== remembered.file && !found.guarded ? REWRITTEN : null;
}

const REPLACED = 'another table has taken the place of the one that was loaded';
const ANOTHER_LOAD = 'its rows are of another load';
const EARLIER = 'its rows are of an earlier moment';
const EMPTIED = 'it had rows and has none';
const REWRITTEN = 'it may have been truncated while the trigger that tells of it was off';
