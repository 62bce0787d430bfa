import { loadShare, loadText } from '../../model/load-progress.ts';
import { readableCount, readableNumber, readableSpan } from '../../model/readable-figures.ts';
import type { BudgetStatus, StatusEntry, StatusReport } from '../../operations/status/mirror-status.ts';
import type { RequestFigures } from '../../operations/status/request-figures.ts';
import {
  byNeed,
  differText,
  needOf,
  standstillText,
  wholeLine,
  type Need,
} from '../../operations/status/table-need.ts';
import { linesOf, shortened, type Screen } from './screen.ts';

export interface StatusTextOptions extends Pick<Screen, 'width' | 'paint'> {
  /** With the columns about requests and links, however wide the lines become. */
  readonly wide: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Never the only sign: the phase stands there as a word. */
const COLOURS: Readonly<Record<Need, Parameters<Screen['paint']>[0]>> = {
  failed: 'red',
  attention: 'yellow',
  stale: 'red',
  still: 'yellow',
  trouble: 'yellow',
  paused: 'yellow',
  loading: 'cyan',
  new: 'cyan',
  delta: 'green',
};

const INDENT = '  ';

/** The lines of `status` for people: first the whole, then each table, what needs somebody first. */
export function statusLines(report: StatusReport, options: StatusTextOptions): string[] {
  const { width, paint } = options;
  const configured = byNeed(report.tables.filter((entry) => entry.configured));
  const left = report.tables.filter((entry) => !entry.configured);
  const { url, organizationId } = report.environment;
  const environment = `${url ?? 'no environment yet'}  ${organizationId ?? ''}`.trimEnd();
  const lines = [
    ...linesOf(wholeLine(configured), width).map((line) => paint('bold', line)),
    ...linesOf(environment, width),
    ...budgetLines(report.budget, options),
  ];
  if (configured.length > 0) lines.push('', ...tableLines(configured, options));
  if (left.length > 0) {
    lines.push('', ...linesOf('No longer configured:', width), ...tableLines(left, options));
    const idle = left.filter(({ elsewhere }) => !elsewhere);
    const forget = `\`mirrorverse forget ${idle.map(({ table }) => table).join(' ')}\` removes what is kept of ${idle.length === 1 ? 'it' : 'them'}.`;
    if (idle.length > 0) lines.push(...linesOf(forget, width));
  }
  if (options.wide) lines.push(...requestLines(report.environment.requests));
  return lines;
}

/** Share of the limit from which the budget is short. */
const SHORT = 0.8;

function budgetLines(budget: BudgetStatus, { width, paint, now }: StatusTextOptions): string[] {
  const { requestsIn5Minutes, limit, throttledUntil, requestsIn24Hours, requestsPerDay } = budget;
  const said: string[] = [];
  if (throttledUntil !== null) {
    const rest = readableSpan((Date.parse(throttledUntil) - now) / 1000);
    said.push(`Throttled: the environment takes no requests for another ${rest}.`);
  }
  if (requestsIn5Minutes >= SHORT * limit) {
    const spent = `${readableNumber(requestsIn5Minutes)} of ${readableNumber(limit)}`;
    said.push(`The budget is short: ${spent} requests in 5 minutes are spent.`);
  }
  if (requestsPerDay !== null && requestsIn24Hours >= requestsPerDay) {
    const spent = `${readableNumber(requestsIn24Hours)} of ${readableNumber(requestsPerDay)}`;
    said.push(`The requests of a day are spent: ${spent} in 24 hours. Loads and verification wait.`);
  }
  return said.flatMap((line) => linesOf(line, width)).map((line) => paint('yellow', line));
}

interface Column {
  readonly heading: string;
  /** @param now milliseconds since 1970. */
  readonly cell: (entry: StatusEntry, now: number) => string;
  readonly isNumber?: true;
}

const COLUMNS: readonly Column[] = [
  { heading: 'phase', cell: ({ phase }) => phase },
  {
    heading: 'rows',
    // The count of a table that is being loaded for the first time is a moment older or newer than its progress.
    cell: ({ phase, rows, rowsLoaded }) => readableNumber(phase === 'baseline' ? (rowsLoaded ?? rows) : rows),
    isNumber: true,
  },
  {
    heading: 'last success',
    cell: ({ lagSeconds }) => (lagSeconds === null ? 'never' : `${readableSpan(lagSeconds)} ago`),
  },
];

/** Shown once a table was verified, if the terminal has room for it. */
const VERIFIED: Column = {
  heading: 'verified',
  cell: ({ verified }, now) => (verified === null ? 'never' : age(verified.at, now)),
};

function age(moment: string, now: number): string {
  return `${readableSpan((now - Date.parse(moment)) / 1000)} ago`;
}

const WIDE: readonly Column[] = [
  { heading: 'through version', cell: ({ verified }) => verified?.throughVersion ?? '', isNumber: true },
  { heading: 'quarantined', cell: ({ quarantined }) => readableNumber(quarantined), isNumber: true },
  { heading: 'link issued', cell: ({ linkIssuedAt }) => linkIssuedAt ?? '' },
  { heading: 'link expires', cell: ({ linkExpiresAt }) => linkExpiresAt ?? '' },
  { heading: 'requests/row', cell: ({ requests }) => figure(requests.perChangedRow), isNumber: true },
  { heading: 'requests/idle h', cell: ({ requests }) => figure(requests.perIdleHour), isNumber: true },
];

/** Fewer characters of a name tell nothing. */
const SHORTEST_NAME = 12;

function tableLines(entries: readonly StatusEntry[], options: StatusTextOptions): string[] {
  const { width, wide, paint, now } = options;
  const widthOf = ({ heading, cell }: Column): number =>
    Math.max(heading.length, ...entries.map((entry) => cell(entry, now).length));
  const widthOfAll = (columns: readonly Column[]): number =>
    columns.reduce((sum, column) => sum + widthOf(column) + 2, 0);
  const longest = Math.max(5, ...entries.map(({ table }) => table.length));
  const proven = [...COLUMNS, VERIFIED];
  const isProofShown =
    entries.some(({ verified }) => verified !== null) && longest + widthOfAll(proven) <= width;
  const shown = wide ? [...proven, ...WIDE] : isProofShown ? proven : COLUMNS;
  const widths = shown.map(widthOf);
  const others = widthOfAll(shown);
  const nameWidth = wide ? longest : Math.min(longest, Math.max(SHORTEST_NAME, width - others));
  const line = (name: string, cells: readonly string[], colour?: Parameters<Screen['paint']>[0]): string => {
    const padded = cells.map((cell, at) => {
      const isNumber = shown[at]?.isNumber === true;
      const full = isNumber ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0);
      const isLast = at === cells.length - 1;
      const text = isLast ? full.trimEnd() : full;
      return colour !== undefined && at === 0 ? paint(colour, text) : text;
    });
    return [shortened(name, nameWidth).padEnd(nameWidth), ...padded].join('  ').trimEnd();
  };
  const headings = line(
    'table',
    shown.map(({ heading }) => heading),
  );
  return [
    paint('dim', headings),
    ...entries.flatMap((entry) => [
      line(
        entry.table,
        shown.map(({ cell }) => cell(entry, now)),
        COLOURS[needOf(entry)],
      ),
      ...notesOf(entry, options),
    ]),
  ];
}

/** What is to be said of a table below its line, each sentence on lines of its own. */
function notesOf(entry: StatusEntry, { width, paint, now }: StatusTextOptions): string[] {
  const { error } = entry;
  const need = needOf(entry);
  const said = [
    entry.elsewhere ? 'Another process mirrors it, with another configuration.' : null,
    standstillText(entry),
    loadNote(entry),
    pauseNote(entry, now),
    quarantineNote(entry),
    differenceNote(entry, now),
    linkNote(entry, now),
  ];
  const lines = said.flatMap((text) => (text === null ? [] : linesOf(text, width - INDENT.length)));
  if (error !== null) {
    const colour = COLOURS[need === 'failed' ? 'failed' : 'trouble'];
    const told = linesOf(`${error.code}: ${error.message}`, width - INDENT.length);
    lines.push(...told.map((text) => paint(colour, text)), ...linesOf(error.remedy, width - INDENT.length));
  }
  return lines.map((text) => `${INDENT}${text}`);
}

function loadNote({ rowsLoaded, rowsExpected, etaSeconds }: StatusEntry): string | null {
  if (rowsLoaded === null) return null;
  return `${loadText({ ...loadShare({ rowsLoaded, rowsExpected }), etaSeconds })}.`;
}

function pauseNote({ paused }: StatusEntry, now: number): string | null {
  if (paused === null) return null;
  const { since, until, reason } = paused;
  const end =
    until === null
      ? 'until somebody resumes it'
      : `and goes on by itself in ${readableSpan((Date.parse(until) - now) / 1000)}`;
  const why = reason === null ? '' : ` Reason: ${reason}`;
  return `Paused for ${readableSpan((now - Date.parse(since)) / 1000)}, ${end}.${why}`;
}

function quarantineNote({ table, quarantined }: StatusEntry): string | null {
  if (quarantined === 0) return null;
  return `${readableCount(quarantined, 'row')} in quarantine: \`mirrorverse quarantine ${table}\` says why.`;
}

/** Differences are told however narrow the terminal is, because somebody must look at them. */
function differenceNote({ table, verified }: StatusEntry, now: number): string | null {
  if (verified === null || verified.differences === 0) return null;
  const { at, differences } = verified;
  return `${differText(differences)}, as verified ${age(at, now)}: \`mirrorverse verify ${table}\` names them.`;
}

/** A link in the second half of its life says that the table has not been polled for long. */
function linkNote({ linkIssuedAt, linkExpiresAt }: StatusEntry, now: number): string | null {
  if (linkIssuedAt === null || linkExpiresAt === null) return null;
  const expires = Date.parse(linkExpiresAt);
  if (now < (Date.parse(linkIssuedAt) + expires) / 2) return null;
  if (now >= expires) return 'Its delta link has expired: the next run re-baselines the table.';
  return `Its delta link expires in ${readableSpan((expires - now) / 1000)} unless a run renews it.`;
}

function figure(number: number | null): string {
  return number === null ? '' : String(number);
}

/** What all tables have cost. */
function requestLines({ total, perChangedRow, perIdleHour, since }: RequestFigures): string[] {
  if (since === null) return [];
  const parts = [`${readableNumber(total)} API requests about tables since ${since}`];
  if (perChangedRow !== null) parts.push(`${perChangedRow} for each changed row`);
  if (perIdleHour !== null) parts.push(`${perIdleHour} an hour for tables that did not change`);
  return ['', `${parts.join(', ')}.`];
}
