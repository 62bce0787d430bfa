import type { BodySink } from './body-sink.ts';

/** Ends a request that takes too long. For a body that is poured into a sink, the limit is the time until it begins. */
export class TimeLimit {
  private readonly milliseconds: number;
  private readonly sink: BodySink | undefined;
  private readonly over = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  constructor(milliseconds: number, sink: BodySink | undefined) {
    this.milliseconds = milliseconds;
    this.sink = sink;
  }

  /** Starts the clock. @returns a signal that is aborted with a TimeoutError when the time is over. */
  begin(): AbortSignal {
    if (this.sink === undefined) return AbortSignal.timeout(this.milliseconds);
    const reason = new DOMException('The operation was aborted due to timeout', 'TimeoutError');
    this.timer = setTimeout(() => this.over.abort(reason), this.milliseconds).unref();
    return this.over.signal;
  }

  /** Stops the clock of a body. */
  end(): void {
    clearTimeout(this.timer);
  }

  /** The sink, which stops the clock when the body begins: ten gigabytes may take an hour, as long as they come. */
  get stopping(): { readonly sink?: BodySink } {
    const { sink } = this;
    if (sink === undefined) return {};
    const begin = async (status: number, headers: Headers): Promise<void> => {
      this.end();
      await sink.begin(status, headers);
    };
    return { sink: { begin, write: async (piece) => sink.write(piece) } };
  }
}
