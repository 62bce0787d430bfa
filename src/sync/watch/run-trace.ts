import type * as OpenTelemetry from '@opentelemetry/api';
import { createRequire } from 'node:module';
import type { FeedPhase } from '../../model/checkpoint.ts';
import { toFailure, type Failure } from '../../model/failure.ts';
import { sleep } from '../../timing/sleep.ts';
import type { RunResult } from '../run/run-outcome.ts';
import { LEFT_ALONE } from './outage-log.ts';

/** Makes a span of each run. */
export interface Tracing {
  /** Performs a run of a table inside its span. */
  run(table: string, work: (trace: RunTrace) => Promise<RunResult>): Promise<RunResult>;
  /** Asks the SDK to export what it still has, before the process ends. It never rejects. */
  flush(): Promise<void>;
}

/** Makes spans inside the span of a run. */
export interface RunTrace {
  /** The phase of the run, as the next spans show it. */
  phase: FeedPhase;
  /**
   * Performs a step of the run inside a span of its own.
   *
   * @param signal an aborted step is no error.
   * @param rows of the page, by the step's result.
   */
  step<T>(
    name: 'page.fetch' | 'page.store',
    signal: AbortSignal,
    work: () => Promise<T>,
    rows: (result: T) => number,
  ): Promise<T>;
}

/**
 * Where an SDK registers itself, so that all copies of the API in a process find it. The name belongs to version 1 of
 * the API (`API_BACKWARDS_COMPATIBILITY_VERSION`, `global-utils.ts`).
 */
const REGISTERED = Symbol.for('opentelemetry.js.api.1');

/** Milliseconds. A collector that does not answer must not hold up the end of the process. */
const FLUSH_TIME = 3_000;

/**
 * Spans for an SDK of OpenTelemetry that the user has loaded into the process.
 *
 * @returns undefined without an SDK: then the API is not even loaded, and a run costs nothing more.
 */
export function openTracing(version: string): Tracing | undefined {
  const registered: unknown = Reflect.get(globalThis, REGISTERED);
  if (typeof registered !== 'object' || registered === null || !('trace' in registered)) return undefined;
  const api = createRequire(import.meta.url)('@opentelemetry/api') as typeof OpenTelemetry;
  const { context, trace } = api;
  const tracer = trace.getTracer('mirrorverse', version);
  return {
    async run(table, work) {
      const span = tracer.startSpan('run', { attributes: { 'mirrorverse.table': table } });
      const within = trace.setSpan(context.active(), span);
      try {
        const result = await context.with(within, async () => work(traceOf(api, tracer, within, table)));
        const { phase, rowsRead, rowsWritten, rowsDeleted, failure } = result;
        span.setAttributes({
          'mirrorverse.phase': phase,
          'mirrorverse.rows': rowsRead,
          'mirrorverse.rows_written': rowsWritten,
          'mirrorverse.rows_deleted': rowsDeleted,
        });
        if (failure !== null && !LEFT_ALONE.has(failure.code)) markFailed(api, span, failure);
        return result;
      } finally {
        span.end();
      }
    },
    async flush() {
      const stop = new AbortController();
      const flushed = flushProvider(trace.getTracerProvider());
      const late = sleep(FLUSH_TIME, stop.signal);
      await Promise.race([flushed, late]).catch(() => undefined);
      stop.abort();
      await late.catch(() => undefined);
    },
  };
}

/** The API has no flush. Every SDK of version 1 or 2 has this one, behind the proxy that the API gives. */
async function flushProvider(provider: OpenTelemetry.TracerProvider): Promise<void> {
  const { getDelegate } = provider as Partial<OpenTelemetry.ProxyTracerProvider>;
  const sdk = (getDelegate?.call(provider) ?? provider) as { forceFlush?: () => Promise<void> };
  await sdk.forceFlush?.();
}

function traceOf(
  api: typeof OpenTelemetry,
  tracer: OpenTelemetry.Tracer,
  run: OpenTelemetry.Context,
  table: string,
): RunTrace {
  const { context, trace } = api;
  return {
    phase: 'new',
    async step(name, signal, work, rows) {
      const attributes = { 'mirrorverse.table': table, 'mirrorverse.phase': this.phase };
      const span = tracer.startSpan(name, { attributes }, run);
      try {
        // An SDK with a context manager puts the spans of HTTP and PostgreSQL below this one.
        const result = await context.with(trace.setSpan(run, span), work);
        span.setAttribute('mirrorverse.rows', rows(result));
        return result;
      } catch (error) {
        if (!signal.aborted) markFailed(api, span, toFailure(error));
        throw error;
      } finally {
        span.end();
      }
    },
  };
}

/** The code alone: a span goes to another system, and needs no message. */
function markFailed(
  { SpanStatusCode }: typeof OpenTelemetry,
  span: OpenTelemetry.Span,
  { code }: Failure,
): void {
  span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: code });
}
