import { nextMessage, startScript } from '../support/child.ts';
import type { SourceCounts, SourceOptions, SourceOrder } from './table.ts';

/** A source that runs in a process of its own. */
export interface Source {
  readonly origin: string;
  /** So many rows of a table change. */
  change(table: string, rows: number): Promise<void>;
  /** A table gets one more column. */
  grow(table: string): Promise<void>;
  /** What it was asked since the last `forget`. */
  counts(): Promise<SourceCounts>;
  forget(): Promise<void>;
  /** Answers with rows take so many milliseconds from now on. */
  slow(rows: number): Promise<void>;
}

/** Runs `work` with a source. */
export async function withSource<T>(
  options: SourceOptions,
  work: (source: Source) => Promise<T>,
): Promise<T> {
  const child = startScript('source/main.ts', options);
  // One order after the other: an answer does not say which order it belongs to.
  let answered: Promise<unknown> = Promise.resolve();
  const ask = async (order: SourceOrder): Promise<SourceCounts> => {
    const answer = answered.then(async () => {
      child.send(order);
      return nextMessage<SourceCounts>(child);
    });
    answered = answer.catch(() => undefined);
    return answer;
  };
  try {
    const { port } = await nextMessage<{ port: number }>(child);
    return await work({
      origin: `http://127.0.0.1:${port}`,
      async change(table, rows) {
        await ask({ order: 'change', table, rows });
      },
      async grow(table) {
        await ask({ order: 'grow', table });
      },
      counts: async () => ask({ order: 'count' }),
      async forget() {
        await ask({ order: 'forget' });
      },
      async slow(rows) {
        await ask({ order: 'slow', rows });
      },
    });
  } finally {
    child.disconnect();
  }
}
