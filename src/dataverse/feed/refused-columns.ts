import { Failure } from '../../model/failure.ts';
import { selectionOf, type Column, type Table } from '../../model/table.ts';
import { isTooManyCalculated } from '../http/calculated-limits.ts';
import type { DataverseClient, Request } from '../http/client.ts';
import { fitting, isCalculated, query } from './selection.ts';

/** Requests at most to find them: a table that fails is not to cost a storm. */
const MOST_PROBES = 40;
/** Characters of a probe's `$select`; calculated columns of a probe, which the environment limits. */
const LONGEST_SELECT = 20_000;
const MOST_CALCULATED = 8;

/** Columns that were found to be refused, by table, with the selection they were found for. */
export class RefusedColumns {
  private readonly found = new Map<
    string,
    { readonly selection: string; readonly names: readonly string[] }
  >();

  remember(table: Table, names: readonly string[]): void {
    this.found.set(table.logicalName, { selection: selectionOf(table), names });
  }

  /** None where another selection was asked for then. */
  of(table: Table): readonly string[] {
    const found = this.found.get(table.logicalName);
    return found?.selection === selectionOf(table) ? found.names : [];
  }
}

/** Whether the environment refused what was asked for, with a code that says nothing to us. */
export function isRefused(error: unknown): error is Failure {
  return error instanceof Failure && error.code === 'request-refused';
}

/**
 * What a refused request about a table's rows failed for: a column may be declared, and every query
 * that names it be refused all the same. Which one is found by asking for one row with ever fewer
 * columns; the answer's text is not asked, for it is translated and may name anything. It is found once
 * for a selection.
 *
 * @param tracked as the rows were asked for.
 * @returns Failure `column-refused`, or the error itself where no column is at fault.
 * @throws the signal's reason when aborted.
 */
export async function explainRefusal(
  client: DataverseClient,
  table: Table,
  tracked: boolean,
  error: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  // That there are too many calculated columns is about their number, whichever they are.
  if (!isRefused(error) || isTooManyCalculated(error)) return error;
  const probe = probeOf(client, table, tracked, signal);
  try {
    const known = client.refusedColumns.of(table);
    const isKnown = ({ attribute, selectable }: Column): boolean => selectable && known.includes(attribute);
    if (known.length > 0 && (await probe.refuses(table.columns.filter(isKnown)))) {
      return columnRefused(table, known, error);
    }
    const found = await findRefused(table, probe);
    if (found.length === 0) return error;
    const names = [...new Set(found.map(({ attribute }) => attribute))];
    client.refusedColumns.remember(table, names);
    return columnRefused(table, names, error);
  } catch {
    // Trouble that a probe meets says nothing of the refusal.
    signal.throwIfAborted();
    return error;
  }
}

interface Probe {
  /** Asks for one row with these columns. */
  refuses(columns: readonly Column[]): Promise<boolean>;
  /** There have been so many that the rest is left open. */
  readonly isSpent: boolean;
}

function probeOf(client: DataverseClient, table: Table, tracked: boolean, signal: AbortSignal): Probe {
  let probes = 0;
  const fixed = fixedColumns(table);
  const prefer = ['odata.maxpagesize=1', ...(tracked ? ['odata.track-changes'] : [])];
  return {
    get isSpent() {
      return probes >= MOST_PROBES;
    },
    async refuses(columns) {
      probes++;
      const url = table.entitySet + query([...fixed, ...columns.map(({ property }) => property)]);
      const request: Request = { url, prefer, priority: 'metadata', table: table.logicalName };
      try {
        await client.getJson(request, signal);
        return false;
      } catch (error) {
        if (isRefused(error)) return true;
        throw error;
      }
    },
  };
}

/** What every probe names, and nobody can leave out. */
function fixedColumns({ key, version, partition }: Table): string[] {
  return [key, version, partition].filter((name) => name !== undefined);
}

async function findRefused(table: Table, probe: Probe): Promise<readonly Column[]> {
  // Where not even the key is to be had no column is at fault.
  if (await probe.refuses([])) return [];
  const found: Column[] = [];
  for (const group of groupsOf(table)) {
    let suspects = group;
    // So many from the beginning are known to be taken.
    let taken = 0;
    while (!probe.isSpent && suspects.length > taken && (await probe.refuses(suspects))) {
      let refused = suspects.length;
      while (refused - taken > 1 && !probe.isSpent) {
        const middle = (taken + refused) >> 1;
        if (await probe.refuses(suspects.slice(0, middle))) refused = middle;
        else taken = middle;
      }
      const culprit = suspects[refused - 1];
      if (refused - taken > 1 || culprit === undefined || !(await probe.refuses([culprit]))) break;
      found.push(culprit);
      suspects = suspects.filter((column) => column !== culprit);
    }
  }
  return found;
}

/** Columns that one probe can name together, but for those that every probe names. */
function groupsOf(table: Table): Column[][] {
  const fixed = fixedColumns(table);
  const columns = table.columns.filter(({ name, selectable }) => selectable && !fixed.includes(name));
  const groups: Column[][] = [];
  let stored = columns.filter((column) => !isCalculated(column));
  while (stored.length > 0) {
    const size = Math.max(
      1,
      fitting(
        stored.map(({ property }) => property),
        LONGEST_SELECT,
      ),
    );
    groups.push(stored.slice(0, size));
    stored = stored.slice(size);
  }
  const calculated = columns.filter(isCalculated);
  for (let at = 0; at < calculated.length; at += MOST_CALCULATED) {
    groups.push(calculated.slice(at, at + MOST_CALCULATED));
  }
  return groups;
}

function columnRefused(table: Table, names: readonly string[], cause: Failure): Failure {
  const { logicalName } = table;
  const list = names.join(', ');
  const { status, errorCode } = cause.details;
  const what = names.length === 1 ? 'column' : 'columns';
  return new Failure({
    code: 'column-refused',
    message: `The environment declares ${what} ${list} of table ${logicalName}, and refuses every query that names ${names.length === 1 ? 'it' : 'one of them'} (${String(status)} ${String(errorCode)}).`,
    remedy: `Leave ${list} out: name ${names.length === 1 ? 'it' : 'them'} in columns.exclude of table ${logicalName}.`,
    cause,
    details: { table: logicalName, columns: names },
  });
}
