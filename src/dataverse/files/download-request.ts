import type { Request } from '../http/client.ts';
import type { BodySink } from './body-sink.ts';

/** A request whose answer is a body of any size. */
export interface Download extends Request {
  /** Takes the body. A body that breaks off is begun again. */
  readonly sink: BodySink;
  /** The bytes to ask for, as HTTP writes them (`bytes=0-4194303`). Asked for each attempt. Undefined: all. */
  readonly range: () => string | undefined;
}

/** The header that asks for a range. @param request any request; those that are no downloads have none. */
export function rangeOf(request: object): Readonly<Record<string, string>> {
  const range = isDownload(request) ? request.range() : undefined;
  return range === undefined ? {} : { range };
}

function isDownload(request: object): request is Download {
  return 'sink' in request && 'range' in request;
}
