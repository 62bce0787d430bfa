import cliProgress from 'cli-progress';
import type { Logger } from 'pino';

/** Shows how far the load of each table is. */
export interface Progress {
  /** @param rows read in this run. */
  update(table: string, rows: number): void;
  stop(): void;
}

/** Milliseconds between two log lines of a table, if no bar can be drawn. */
const LINE_EVERY = 5_000;

/**
 * A bar for each table on a terminal, lines of the log otherwise: rows, of about how many, rows per
 * second, time left.
 */
export function createProgress(
  totals: ReadonlyMap<string, number>,
  stream: NodeJS.WriteStream,
  logger: Logger,
): Progress {
  return stream.isTTY ? bars(totals, stream) : lines(totals, logger);
}

function bars(totals: ReadonlyMap<string, number>, stream: NodeJS.WriteStream): Progress {
  const multi = new cliProgress.MultiBar(
    {
      stream,
      format: '{table} {bar} {value}/{total} rows  {rate} rows/s  {left}',
      clearOnComplete: false,
      hideCursor: true,
      forceRedraw: true,
    },
    cliProgress.Presets.shades_classic,
  );
  const width = Math.max(0, ...[...totals.keys()].map((table) => table.length));
  const begun = new Map<string, { bar: cliProgress.SingleBar; at: number }>();
  return {
    update(table, rows) {
      let entry = begun.get(table);
      if (entry === undefined) {
        const payload = { table: table.padEnd(width), rate: '-', left: '' };
        entry = { bar: multi.create(totals.get(table) ?? rows, 0, payload), at: performance.now() };
        begun.set(table, entry);
      }
      const total = Math.max(totals.get(table) ?? 0, rows);
      const speed = speedOf(rows, total, performance.now() - entry.at);
      entry.bar.setTotal(total);
      entry.bar.update(rows, speed);
    },
    stop: () => multi.stop(),
  };
}

function lines(totals: ReadonlyMap<string, number>, logger: Logger): Progress {
  const begun = performance.now();
  const shown = new Map<string, number>();
  return {
    update(table, rows) {
      const now = performance.now();
      if (now - (shown.get(table) ?? -LINE_EVERY) < LINE_EVERY) return;
      shown.set(table, now);
      const total = totals.get(table);
      const { rate, left } = speedOf(rows, total ?? rows, now - begun);
      logger.info(
        { table, rows, total },
        `${table}: ${rows} of ${total ?? '?'} rows, ${rate} rows/s${left === '' ? '' : `, ${left}`}`,
      );
    },
    stop: () => undefined,
  };
}

/** Rows per second so far and the time the rest takes at that speed, as text. */
function speedOf(rows: number, total: number, milliseconds: number): { rate: string; left: string } {
  if (rows === 0 || milliseconds <= 0) return { rate: '-', left: '' };
  const rate = rows / (milliseconds / 1000);
  const seconds = Math.max(0, Math.round((total - rows) / rate));
  const minutes = Math.floor(seconds / 60);
  const left = minutes > 0 ? `${minutes} min ${seconds % 60} s left` : `${seconds} s left`;
  return { rate: String(Math.round(rate)), left };
}
