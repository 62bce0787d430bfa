import { loadProgress, rowsText, type LoadFigures, type LoadProgress } from '../../model/load-progress.ts';
import { readableCount, readableNumber, readableSpan } from '../../model/readable-figures.ts';
import type { EndedLoad, LoadWatch } from '../../sync/load/load-watch.ts';
import type { ErrorTerminal } from './error-terminal.ts';
import { shortened } from './screen.ts';

/** Bars on a terminal, one for each table that loads. */
export interface LoadBars extends LoadWatch {
  /** The environment wants no requests for so many milliseconds. */
  throttled(milliseconds: number): void;
  stop(): void;
}

interface Row {
  figures: (() => LoadFigures) | undefined;
  waiting: string | undefined;
}

/** Characters of a bar. */
const BAR = 12;
/** Characters of a name. */
const NAME = 24;

/** Characters of a line if the terminal does not say it. */
const USUAL = 80;

/**
 * Shows how far the load of each table is. A table that has nothing to load has no bar. A table that is done moves
 * above the bars, so that the bars fit the terminal however many tables there are.
 */
export function createLoadBars(terminal: ErrorTerminal): LoadBars {
  const rows = new Map<string, Row>();
  let throttledUntil = 0;
  const width = (): number => (terminal.width ?? USUAL) - 1;
  const lineOf = ([table, { figures, waiting }]: [string, Row]): string => {
    const rest = (throttledUntil - performance.now()) / 1000;
    const trouble = waiting ?? (rest > 0 ? `throttled for another ${readableSpan(rest)}` : undefined);
    return barLine(table, figures && loadProgress(figures()), trouble, width());
  };
  terminal.keepBelow(() => [...rows].map(lineOf));
  return {
    loading(table, figures) {
      rows.set(table, { figures, waiting: undefined });
    },
    waiting(table, text) {
      rows.set(table, { figures: rows.get(table)?.figures, waiting: text });
    },
    throttled(milliseconds) {
      throttledUntil = Math.max(throttledUntil, performance.now() + milliseconds);
    },
    ended(result) {
      const figures = rows.get(result.table)?.figures;
      rows.delete(result.table);
      // A table that had nothing to load needs no line, unless it has failed.
      if (figures === undefined && result.failure === null) return;
      terminal.write(`${doneLine(result, figures?.().rowsLoaded ?? 0, width())}\n`);
    },
    stop: () => terminal.leaveBelow(),
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
  return cut(`${name}  ${endOf(failure, rowsLoaded, milliseconds)}`, width);
}

function endOf(failure: EndedLoad['failure'], rowsLoaded: number, milliseconds: number): string {
  if (failure?.code === 'table-paused') return 'paused, left as it is';
  if (failure !== null) return `stopped: ${failure.code}`;
  return `done: ${readableCount(rowsLoaded, 'row')} in ${readableSpan(milliseconds / 1000)}`;
}
