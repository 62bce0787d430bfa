import { Failure } from '../../model/failure.ts';
import type { PageRows } from '../../model/page.ts';
import type { PostgresError } from '../connection/sqlstate.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import { quarantined, type QuarantinedRow } from './quarantined-rows.ts';

/** Every page counts as having at least so many rows, so that one bad row of a small delta stops nothing. */
const SMALLEST_PAGE = 100;

/** The rows of one page that cannot be stored, up to as many as may go to quarantine. */
export class BadRows {
  readonly rows: QuarantinedRow[] = [];
  private readonly mirror: MirrorTable;
  private readonly page: PageRows;
  private readonly maxShare: number;

  /** @param maxShare of the page's rows, from 0 to 1. */
  constructor(mirror: MirrorTable, page: PageRows, maxShare: number) {
    this.mirror = mirror;
    this.page = page;
    this.maxShare = maxShare;
  }

  /**
   * @throws Failure `too-many-bad-rows` with the first row over the limit: looking at the rest would take
   *   long.
   */
  add(row: number, reason: string, sqlstate: string | null): void {
    this.rows.push(quarantined(this.mirror, this.page, row, reason, sqlstate));
    if (this.room < 0) throw this.tooMany();
  }

  /** How many more bad rows the page may have. */
  get room(): number {
    return Math.floor(this.maxShare * Math.max(this.page.rows, SMALLEST_PAGE)) - this.rows.length;
  }

  private tooMany(): Failure {
    const table = this.mirror.table.logicalName;
    const { rows, page, maxShare } = this;
    const { reason, sqlstate } = commonest(rows);
    return new Failure({
      code: 'too-many-bad-rows',
      message: `In a page of ${page.rows} rows of table ${table} ${rows.length} or more cannot be stored, most of them for this reason: ${reason}. Nothing of the page was committed.`,
      remedy: `${remedyFor(this.mirror, sqlstate)} To put such rows into quarantine anyway, raise quarantine.maxShare (${maxShare} now).`,
      details: { table, rows: page.rows, bad: rows.length, reason, sqlstate },
    });
  }
}

/** The first row with the most frequent reason. */
function commonest(rows: readonly QuarantinedRow[]): QuarantinedRow {
  const groups = new Map<string, { readonly first: QuarantinedRow; rows: number }>();
  for (const row of rows) {
    const reason = `${row.sqlstate} ${row.reason}`;
    const group = groups.get(reason) ?? { first: row, rows: 0 };
    group.rows++;
    groups.set(reason, group);
  }
  const [largest] = [...groups.values()].toSorted((a, b) => b.rows - a.rows);
  const first = largest?.first;
  if (first === undefined) throw new TypeError('There is no bad row.');
  return first;
}

function remedyFor({ table: { logicalName: table }, filter }: MirrorTable, sqlstate: string | null): string {
  if (sqlstate === null) {
    return `Text with NUL characters can be stored with quarantine.nul: replace. Mend other values at the source, unless a column has changed there: look at \`mirrorverse plan ${table}\`.`;
  }
  if (sqlstate.startsWith('23')) {
    return 'A constraint or unique index that was added to the mirror table refuses them: drop it.';
  }
  if (sqlstate.startsWith('P0')) {
    return 'A trigger that was added to the mirror table refuses them: drop it, or let it pass them.';
  }
  if (sqlstate.startsWith('54')) {
    return `PostgreSQL's limits are exceeded: leave out columns (columns.exclude of table ${table}), or drop an index that was added to the mirror table.`;
  }
  const ofFilter = filter === undefined ? '' : ' The expression of `rows` may also fail on their values.';
  return `The column may have changed at the source: look at \`mirrorverse plan ${table}\`.${ofFilter}`;
}

/** What PostgreSQL says about a refused row without quoting a value: the names are those of the database. */
export type Refusal = Pick<PostgresError, 'code' | 'where' | 'constraint' | 'column'>;

// PostgreSQL's names for the trouble. Its messages quote the value, which must not appear anywhere else.
const CONDITIONS: Readonly<Record<string, string>> = {
  '22003': 'a number out of range',
  '22012': 'a division by zero',
  '22007': 'no valid date or time',
  '22008': 'a date or time out of range',
  '22021': 'bytes that are no text of its encoding',
  '22P02': 'a value that is not of the type',
  '22P04': 'a malformed line',
  '23502': 'no value where one is required',
  '23503': 'a row it refers to is not there',
  '23505': 'another row has the same value, which a unique index forbids',
  '23514': 'a check constraint forbids it',
  '23P01': 'an exclusion constraint forbids it',
  P0001: 'a trigger forbids it',
  '54000': 'more than PostgreSQL can hold in a row or an index',
};

/** The column that PostgreSQL refused. Only its name is taken from the context: what follows it quotes the value. */
function columnOf(error: Refusal): string | undefined {
  return error.column ?? /^COPY \S+, line \d+, column ([^:]+)/.exec(error.where ?? '')?.[1];
}

/** Says why a row could not be tried against the filter of its table, without any of its values. */
export function describeUntried(error: Refusal): string {
  // A value that is none of its column is refused before the filter is evaluated.
  if (columnOf(error) !== undefined) return describeRefusal(error);
  return `the filter of rows fails on it: ${CONDITIONS[error.code] ?? `SQLSTATE ${error.code}`}`;
}

/** Says why PostgreSQL refused a row, without any of its values. */
export function describeRefusal(error: Refusal): string {
  const column = columnOf(error);
  const what = column === undefined ? 'the row' : `column ${column}`;
  const constraint = error.constraint === undefined ? '' : ` (${error.constraint})`;
  return `PostgreSQL refused ${what}: ${CONDITIONS[error.code] ?? `SQLSTATE ${error.code}`}${constraint}`;
}
