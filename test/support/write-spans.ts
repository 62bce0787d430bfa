import { appendFileSync } from 'node:fs';
import { trace, type Attributes } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';

/** A span as a line of the file. */
export interface WrittenSpan {
  readonly name: string;
  readonly id: string;
  readonly parent: string | null;
  readonly attributes: Attributes;
  readonly status: { readonly code: number; readonly message?: string };
  readonly events: readonly unknown[];
}

function written(span: ReadableSpan): WrittenSpan {
  const { name, parentSpanContext, attributes, status, events } = span;
  const { spanId: id } = span.spanContext();
  return { name, id, parent: parentSpanContext?.spanId ?? null, attributes, status, events };
}

/*
 * What a user loads with `node --import`: an SDK of OpenTelemetry. This one appends each span to the file that the
 * variable SPANS names.
 */
const file = process.env['SPANS'];
if (file !== undefined) {
  const exporter: SpanExporter = {
    export(spans, done) {
      appendFileSync(file, spans.map((span) => `${JSON.stringify(written(span))}\n`).join(''));
      done({ code: 0 });
    },
    async shutdown() {
      return Promise.resolve();
    },
  };
  const spanProcessors = [new BatchSpanProcessor(exporter)];
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
}
