import { loadShare, loadText } from '../../model/load-progress.ts';
import { readableCount, readableNumber, readableSpan } from '../../model/readable-figures.ts';
import type {
  BudgetStatus,
  StatusEntry,
  StatusReport,
  WebhookStatus,
} from '../../operations/status/mirror-status.ts';
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
  /** With the columns about requests and links, in further blocks where the lines have no room. */
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
    ...webhookLines(report.webhooks, options),
    ...fileLines(report.files, options),
  ];
  if (configured.length > 0) lines.push('', ...tableLines(configured, options));
  if (left.length > 0) {
    lines.push('', ...linesOf('No longer configured:', width), ...tableLines(left, options));
    const idle = left.filter(({ elsewhere }) => !elsewhere);
    const forget = `\`mirrorverse forget ${idle.map(({ table }) => table).join(' ')}\` removes what is kept of ${idle.length === 1 ? 'it' : 'them'}.`;
    if (idle.length > 0) lines.push(...linesOf(forget, width));
  }
  if (options.wide) lines.push(...requestLines(report.environment.requests, width));
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

/** Webhooks that need somebody. */
function webhookLines(
  webhooks: readonly WebhookStatus[],
  { width, paint, now }: StatusTextOptions,
): string[] {
  const said = webhooks.flatMap(({ webhook, stoppedAt, failingSince, reason, deadLetters }) => [
    ...(stoppedAt === null
      ? []
      : [`Webhook ${webhook} said ${age(stoppedAt, now)} that it is gone, and gets nothing.`]),
    ...(failingSince === null
      ? []
      : [`Webhook ${webhook} has refused changes for ${span(failingSince, now)} (${reason}).`]),
    ...(deadLetters === 0
      ? []
      : [`Webhook ${webhook} has ${readableCount(deadLetters, 'dead letter')}: see docs/webhooks.md.`]),
  ]);
  return said.flatMap((line) => linesOf(line, width)).map((line) => paint('yellow', line));
}

/** Bodies of files that are missing. */
function fileLines(
  { waiting, failed }: StatusReport['files'],
  { width, paint }: Pick<StatusTextOptions, 'width' | 'paint'>,
): string[] {
  const wait = waiting === 0 ? [] : [`${readableCount(waiting, 'file')} to be fetched.`];
  const missing =
    failed === 0 ? [] : [`${readableCount(failed, 'file')} could not be fetched: see docs/files.md.`];
  return [
    ...wait.flatMap((line) => linesOf(line, width)),
    ...missing.flatMap((line) => linesOf(line, width)).map((line) => paint('yellow', line)),
  ];
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
  return `${span(moment, now)} ago`;
}

function span(since: string, now: number): string {
  return readableSpan((now - Date.parse(since)) / 1000);
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
  const { width, wide, now } = options;
  const name = Math.max(SHORTEST_NAME, Math.min(longestName(entries), width));
  const fits = (columns: readonly Column[]): boolean => name + widthOfAll(columns, entries, now) <= width;
  const proven = [...COLUMNS, VERIFIED];
  if (!wide) {
    const isProven = entries.some(({ verified }) => verified !== null);
    return blockLines(entries, isProven && fits(proven) ? proven : COLUMNS, options, true);
  }
  // Columns that have no room beside the others stand in a block of their own below, with the names again.
  const room = Math.min(name, ROOM_FOR_NAMES);
  const blocks: Column[][] = [];
  for (const column of [...proven, ...WIDE]) {
    const last = blocks.at(-1);
    if (last !== undefined && room + widthOfAll([...last, column], entries, now) <= width) last.push(column);
    else blocks.push([column]);
  }
  return blocks.flatMap((columns, at) => [
    ...(at === 0 ? [] : ['']),
    ...blockLines(entries, columns, options, at === 0),
  ]);
}

/** Longer names are shortened where columns beside them would otherwise have no room. */
const ROOM_FOR_NAMES = 24;

function longestName(entries: readonly StatusEntry[]): number {
  return Math.max(5, ...entries.map(({ table }) => table.length));
}

function widthOfColumn({ heading, cell }: Column, entries: readonly StatusEntry[], now: number): number {
  return Math.max(heading.length, ...entries.map((entry) => cell(entry, now).length));
}

function widthOfAll(columns: readonly Column[], entries: readonly StatusEntry[], now: number): number {
  return columns.reduce((sum, column) => sum + widthOfColumn(column, entries, now) + 2, 0);
}

/** The tables with these columns. @param isFirst the notes stand below the tables. */
function blockLines(
  entries: readonly StatusEntry[],
  shown: readonly Column[],
  options: StatusTextOptions,
  isFirst: boolean,
): string[] {
  const { width, paint, now } = options;
  const widths = shown.map((column) => widthOfColumn(column, entries, now));
  const left = width - widthOfAll(shown, entries, now);
  const nameWidth = Math.min(longestName(entries), Math.max(SHORTEST_NAME, left));
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
  const errors = isFirst ? sharedErrors(entries) : new Map<string, StatusEntry[]>();
  return [
    paint('dim', headings),
    ...entries.flatMap((entry) => {
      const cells = shown.map(({ cell }) => cell(entry, now));
      if (!isFirst) return [line(entry.table, cells)];
      const sharing = errors.get(errorKey(entry)) ?? [];
      return [line(entry.table, cells, COLOURS[needOf(entry)]), ...notesOf(entry, sharing, options)];
    }),
  ];
}

/** The tables with each error, because an outage gives many tables the same one. */
function sharedErrors(entries: readonly StatusEntry[]): ReadonlyMap<string, StatusEntry[]> {
  const groups = new Map<string, StatusEntry[]>();
  for (const entry of entries) {
    if (entry.error !== null) groups.set(errorKey(entry), [...(groups.get(errorKey(entry)) ?? []), entry]);
  }
  return groups;
}

function errorKey({ error }: StatusEntry): string {
  return JSON.stringify([error?.code, error?.message, error?.remedy]);
}

/**
 * The notes below the line of a table. Each sentence has lines of its own.
 *
 * @param sharing the tables with the error of this table. The error stands below the last one, with their names.
 */
function notesOf(
  entry: StatusEntry,
  sharing: readonly StatusEntry[],
  { width, paint, now }: StatusTextOptions,
): string[] {
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
  if (error !== null && sharing.at(-1) === entry) {
    const colour = COLOURS[need === 'failed' ? 'failed' : 'trouble'];
    const names = sharing.map(({ table }) => table).join(', ');
    const whose = sharing.length === 1 ? '' : `(${names}) `;
    const told = linesOf(`${error.code}: ${whose}${error.message}`, width - INDENT.length);
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
function requestLines({ total, perChangedRow, perIdleHour, since }: RequestFigures, width: number): string[] {
  if (since === null) return [];
  const parts = [`${readableNumber(total)} API requests about tables since ${since}`];
  if (perChangedRow !== null) parts.push(`${perChangedRow} for each changed row`);
  if (perIdleHour !== null) parts.push(`${perIdleHour} an hour for tables that did not change`);
  return ['', ...linesOf(`${parts.join(', ')}.`, width)];
}
