import cliProgress from 'cli-progress';
import { loadProgress, rowsText, type LoadFigures, type LoadProgress } from '../../model/load-progress.ts';
import { readableCount, readableNumber, readableSpan } from '../../model/readable-figures.ts';
import type { EndedLoad, LoadWatch } from '../../sync/load/load-watch.ts';
import { shortened } from './screen.ts';

/** Bars on a terminal, one for each table that loads. */
export interface LoadBars extends LoadWatch {
  /** The environment wants no requests for so many milliseconds. */
  throttled(milliseconds: number): void;
  stop(): void;
}

interface Row {
  bar: cliProgress.SingleBar;
  figures: (() => LoadFigures) | undefined;
  waiting: string | undefined;
}

/** Characters of a bar. */
const BAR = 12;
/** Characters of a name. */
const NAME = 24;

/**
 * Shows how far the load of each table is. A table that has nothing to load has no bar. A table that is done moves
 * above the bars, so that the bars fit the terminal however many tables there are.
 */
export function createLoadBars(stream: NodeJS.WriteStream): LoadBars {
  const multi = new cliProgress.MultiBar({
    stream,
    format: (_options, _params, payload: { line: () => string }) => payload.line(),
    hideCursor: true,
    forceRedraw: true,
    linewrap: false,
    fps: 4,
  });
  const rows = new Map<string, Row>();
  let throttledUntil = 0;
  const width = (): number => (stream.columns || 80) - 1;
  const lineOf = (table: string): string => {
    const row = rows.get(table);
    const rest = (throttledUntil - performance.now()) / 1000;
    const trouble = row?.waiting ?? (rest > 0 ? `throttled for another ${readableSpan(rest)}` : undefined);
    const progress = row?.figures === undefined ? undefined : loadProgress(row.figures());
    return barLine(table, progress, trouble, width());
  };
  const rowOf = (table: string): Row => {
    const known = rows.get(table);
    if (known !== undefined) return known;
    const bar = multi.create(1, 0, { line: () => lineOf(table) });
    const row: Row = { bar, figures: undefined, waiting: undefined };
    rows.set(table, row);
    return row;
  };
  return {
    loading(table, figures) {
      Object.assign(rowOf(table), { figures, waiting: undefined });
    },
    waiting(table, text) {
      Object.assign(rowOf(table), { waiting: text });
    },
    throttled(milliseconds) {
      throttledUntil = Math.max(throttledUntil, performance.now() + milliseconds);
    },
    ended(result) {
      const row = rows.get(result.table);
      if (row === undefined) return;
      rows.delete(result.table);
      // A table that only waited, and then had nothing to load, needs no line.
      if (row.figures !== undefined) {
        multi.log(`${doneLine(result, row.figures().rowsLoaded, width())}\n`);
      }
      multi.remove(row.bar);
    },
    stop: () => multi.stop(),
  };
}

/**
 * The line of a table that loads, in at most `width` characters: what matters least is left out first.
 *
 * @param trouble why the load stands still.
 */
export function barLine(
  table: string,
  progress: LoadProgress | undefined,
  trouble: string | undefined,
  width: number,
): string {
  const name = shortened(table, NAME).padEnd(NAME);
  const fits = (parts: readonly string[]): string => {
    let line = name;
    for (const part of parts) if (part !== '' && line.length + 2 + part.length <= width) line += `  ${part}`;
    return line.slice(0, width).trimEnd();
  };
  if (progress === undefined) return cut(`${name}  ${trouble ?? 'begins'}`, width);
  const { percent, etaSeconds, rowsPerSecond } = progress;
  const share = percent === null ? '' : `${percent} %`.padStart(4);
  const rows = rowsText(progress).replace(/ rows?$/, percent === null ? ' rows' : '');
  if (trouble !== undefined) return cut(`${fits([share])}  ${trouble}`, width);
  const done = Math.floor(((percent ?? 0) / 100) * BAR);
  const bar = percent === null ? '' : '█'.repeat(done) + '░'.repeat(BAR - done);
  const left = etaSeconds === null ? '' : `${readableSpan(etaSeconds)} left`;
  const rate = rowsPerSecond === null ? '' : `${readableNumber(rowsPerSecond)} rows/s`;
  return fits([bar, share, left, rows, rate]);
}

function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}

/** The line of a table whose load has ended. */
export function doneLine(
  { table, failure, milliseconds }: EndedLoad,
  rowsLoaded: number,
  width: number,
): string {
  const name = shortened(table, NAME).padEnd(NAME);
  const rows = readableCount(rowsLoaded, 'row');
  const end =
    failure === null ? `done: ${rows} in ${readableSpan(milliseconds / 1000)}` : `stopped: ${failure.code}`;
  return `${name}  ${end}`.slice(0, width);
}
