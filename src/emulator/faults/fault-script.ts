import type { RequestKind } from '../web-api/api-request.ts';

/** The requests that a fault strikes. All given members must fit. A text as `path` fits if the path contains it. */
export interface FaultMatch {
  readonly path?: RegExp | string;
  readonly method?: string;
  readonly table?: string;
  readonly kind?: RequestKind | readonly RequestKind[];
}

/** What goes wrong. Without an error status, code, message, body or redirect the ordinary answer is sent, changed. */
export interface FaultAction {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Replaces the body: a text is sent unchanged, anything else as JSON. */
  readonly body?: unknown;
  /** Code and message of an error body. */
  readonly code?: string;
  readonly message?: string;
  /** Waits before the request is handled. */
  readonly delayMs?: number;
  /** Waits between the headers and the body. */
  readonly delayBodyMs?: number;
  /** Sends this many bytes of the body and then destroys the connection. */
  readonly cutAt?: number;
  /** Sends neither a length nor chunks. The end of the connection ends the body; with `cutAt` it ends there, cleanly. */
  readonly unframed?: true;
  /** Encodes the body, whatever the client asked for; `name` is the Content-Encoding that the answer claims. */
  readonly coding?: { readonly name: string; readonly encode: (body: Buffer) => Buffer };
  /** Fields after the body. The body is then sent in chunks. */
  readonly trailers?: Readonly<Record<string, string>>;
  /** Resets the connection without an answer. */
  readonly reset?: true;
  /** Answers with an HTML page instead of JSON, as a gateway does. */
  readonly html?: true;
  readonly retryAfter?: string | number;
  readonly redirectTo?: string;
  /** Changes the parsed body. JavaScript may round its numbers. */
  readonly transform?: (json: unknown) => unknown;
  /** Changes the text of the body, so that numbers stay exact. */
  readonly transformText?: (text: string) => string;
}

export interface Fault {
  readonly match?: FaultMatch;
  /** How many fitting requests pass before the fault strikes. */
  readonly after?: number;
  /** How often it strikes; by default until it is removed. */
  readonly times?: number;
  readonly do: FaultAction;
}

/** A fault in the script. Tests watch and remove it. */
export interface FaultHandle {
  /** How often it has struck. */
  readonly hits: number;
  remove(): void;
}

/** What the script needs to know about a request. */
export interface FaultSubject {
  readonly url: string;
  readonly method: string;
  readonly table: string | null;
  readonly kind: RequestKind;
}

class ScriptedFault implements FaultHandle {
  readonly fault: Fault;
  readonly #onRemove: (self: ScriptedFault) => void;
  #seen = 0;
  #hits = 0;

  constructor(fault: Fault, onRemove: (self: ScriptedFault) => void) {
    this.fault = fault;
    this.#onRemove = onRemove;
  }

  get hits(): number {
    return this.#hits;
  }

  remove(): void {
    this.#onRemove(this);
  }

  strikes(subject: FaultSubject): boolean {
    if (!fits(this.fault.match ?? {}, subject)) return false;
    this.#seen += 1;
    if (this.#seen <= (this.fault.after ?? 0)) return false;
    if (this.#hits >= (this.fault.times ?? Number.POSITIVE_INFINITY)) return false;
    this.#hits += 1;
    return true;
  }
}

/** Faults in the order in which they were added. Only the first fitting fault strikes a request. */
export class FaultScript {
  #faults: ScriptedFault[] = [];

  add(fault: Fault): FaultHandle {
    const scripted = new ScriptedFault(fault, (self) => {
      this.#faults = this.#faults.filter((each) => each !== self);
    });
    this.#faults.push(scripted);
    return scripted;
  }

  clear(): void {
    this.#faults = [];
  }

  /** The fault that strikes a request, counted as a hit. */
  strike(subject: FaultSubject): FaultAction | null {
    return this.#faults.find((scripted) => scripted.strikes(subject))?.fault.do ?? null;
  }
}

function fits(match: FaultMatch, subject: FaultSubject): boolean {
  const { path, method, table, kind } = match;
  if (typeof path === 'string' && !subject.url.includes(path)) return false;
  // search() ignores the state a global or sticky expression keeps between calls.
  if (path instanceof RegExp && subject.url.search(path) < 0) return false;
  if (method !== undefined && method.toUpperCase() !== subject.method) return false;
  if (table !== undefined && table !== subject.table) return false;
  if (kind === undefined) return true;
  return typeof kind === 'string' ? kind === subject.kind : kind.includes(subject.kind);
}
