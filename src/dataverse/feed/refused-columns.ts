import { Failure } from '../../model/failure.ts';
import type { Column, Table } from '../../model/table.ts';
import { isTooManyCalculated } from '../http/known-refusals.ts';
import type { DataverseClient, Request } from '../http/client.ts';
import { fitting, isCalculated, query } from './selection.ts';

/** Requests that a search makes at most, so that a failing table does not cause a storm of requests. */
const MOST_PROBES = 40;
/** Characters of a probe's `$select`, and calculated columns of a probe: the environment limits both. */
const LONGEST_SELECT = 20_000;
const MOST_CALCULATED = 8;

/** Whether the environment refused a request with a code that mirrorverse has no meaning for. */
export function isRefused(error: unknown): error is Failure {
  return error instanceof Failure && error.code === 'request-refused';
}

/**
 * Finds out why a request about a table's rows was refused. An environment may declare a column and refuse every
 * query that names it. Requests for one row with fewer and fewer columns find that column. The text of the answer is
 * not used, because it is translated and may name anything. The result is kept for the selection.
 *
 * @param tracked whether the refused request asked for change tracking.
 * @returns Failure `column-refused`, or the error itself if no column is the cause.
 * @throws the signal's reason when aborted.
 */
export async function explainRefusal(
  client: DataverseClient,
  table: Table,
  tracked: boolean,
  error: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  // Too many calculated columns are refused for their number, and not for any one of them.
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
    // A failure of a probe does not explain the refusal.
    signal.throwIfAborted();
    return error;
  }
}

interface Probe {
  /** Whether a request for one row with these columns is refused. */
  refuses(columns: readonly Column[]): Promise<boolean>;
  /** The allowed number of probes is used up. */
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

/** The columns that every probe names, because they cannot be left out. */
function fixedColumns({ key, version, partition }: Table): string[] {
  return [key, version, partition].filter((name) => name !== undefined);
}

async function findRefused(table: Table, probe: Probe): Promise<readonly Column[]> {
  // If even the key alone is refused, no other column is the cause.
  if (await probe.refuses([])) return [];
  const found: Column[] = [];
  for (const group of groupsOf(table)) {
    let suspects = group;
    // So many columns from the beginning are known to be accepted.
    let accepted = 0;
    while (!probe.isSpent && suspects.length > accepted && (await probe.refuses(suspects))) {
      let refused = suspects.length;
      while (refused - accepted > 1 && !probe.isSpent) {
        const middle = (accepted + refused) >> 1;
        if (await probe.refuses(suspects.slice(0, middle))) refused = middle;
        else accepted = middle;
      }
      const culprit = suspects[refused - 1];
      if (refused - accepted > 1 || culprit === undefined || !(await probe.refuses([culprit]))) break;
      found.push(culprit);
      suspects = suspects.filter((column) => column !== culprit);
    }
  }
  return found;
}

/** Groups of columns that one probe can name together, without the fixed ones. */
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
