import { LEFT_ALONE } from './outage-log.ts';
import type { RunResult } from '../run/run-outcome.ts';
import type { RunProgress } from '../run/run-progress.ts';

/** Is told what runs do, to add it up. */
export interface RunMeter {
  /** Rows that were written to the mirror and deleted from it since the last call for this run. */
  stored(table: string, written: number, deleted: number): void;
  /** A run ended that did something, or that failed. */
  ended(result: RunResult): void;
}

/** A meter that passes everything on to these; undefined if there are none. */
export function joinedMeter(...all: readonly (RunMeter | undefined)[]): RunMeter | undefined {
  const meters = all.filter((meter) => meter !== undefined);
  if (meters.length < 2) return meters[0];
  return {
    stored(table, written, deleted) {
      for (const meter of meters) meter.stored(table, written, deleted);
    },
    ended(result) {
      for (const meter of meters) meter.ended(result);
    },
  };
}

/** Tells the meter about one run. A run without a meter costs nothing. */
export interface MeteredRun {
  /** @param progress of the run so far. */
  progressed(progress: RunProgress): void;
  ended(result: RunResult): void;
}

export function meteredRun(meter: RunMeter | undefined, table: string): MeteredRun | undefined {
  if (meter === undefined) return undefined;
  let [written, deleted] = [0, 0];
  const progressed = ({ rowsWritten, rowsDeleted }: RunProgress): void => {
    if (rowsWritten !== written || rowsDeleted !== deleted) {
      meter.stored(table, rowsWritten - written, rowsDeleted - deleted);
    }
    [written, deleted] = [rowsWritten, rowsDeleted];
  };
  return {
    progressed,
    ended(result) {
      // A preparation may have deleted rows although no page followed it.
      progressed(result);
      // A table that waits for a place, or that another process has, was not run.
      const isRun = !result.deferred && !(result.failure !== null && LEFT_ALONE.has(result.failure.code));
      if (isRun) meter.ended(result);
    },
  };
}
