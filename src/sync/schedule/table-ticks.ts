/** When the runs of a table fall due. */
export interface TableTicks {
  /** Milliseconds by which a start that is due is put off, so that many tables do not start as one. */
  readonly jitter: () => number;
  /** Milliseconds: a run of another process that ended so short a time ago is as good as one of ours. */
  readonly freshness: () => number;
  /** A run has ended without a failure. */
  readonly succeeded: (changed: boolean) => void;
  readonly stop: () => void;
}

/** Starts ticks that call back when a run falls due; `random` is from 0 to below 1. */
export type StartTicks = (onTick: () => void, random: () => number) => TableTicks;
