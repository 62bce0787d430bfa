import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { Failure, summaryOf, type FailureSummary } from '../../model/failure.ts';

/** One answer of the HTTP port. A route of GET also answers HEAD. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** As `/api/v1/tables/:table/pause`. A part that begins with a colon stands for any one part, decoded. */
  readonly path: string;
  /** @throws Failure, which becomes an answer with the status 503. */
  readonly answer: (request: RouteRequest) => Reply | Promise<Reply>;
}

export interface RouteRequest {
  /** The parts of the path that a colon stands for, by their names. */
  readonly parts: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The body as text. @throws BodyTooLarge above `LARGEST_BODY` bytes. */
  readonly body: () => Promise<string>;
}

export interface Reply {
  readonly status: number;
  /** Names in lower case. They win over the headers that every answer has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A text, or a function that writes an answer of unknown length and ends it. The function is not called for HEAD. */
  readonly body: string | ((response: ServerResponse) => void | Promise<void>);
}

export function jsonReply(status: number, document: object, headers: Reply['headers'] = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: `${JSON.stringify(document)}\n`,
  };
}

/** What an answer says that refuses or fails: the same three members everywhere. */
export function problemReply(
  status: number,
  problem: Failure | FailureSummary,
  headers: Reply['headers'] = {},
): Reply {
  return jsonReply(status, problem instanceof Failure ? summaryOf(problem) : problem, headers);
}

/** The routes of a path, and what its parts with a colon stand for; undefined if no route has the path. */
export function routesOf(
  routes: readonly Route[],
  path: string,
): { readonly routes: readonly Route[]; readonly parts: Readonly<Record<string, string>> } | undefined {
  for (const { path: pattern } of routes) {
    const parts = partsOf(pattern, path);
    if (parts !== undefined) return { routes: routes.filter((route) => route.path === pattern), parts };
  }
  return undefined;
}

function partsOf(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  if (!pattern.includes(':')) return pattern === path ? {} : undefined;
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const parts: Record<string, string> = {};
  for (const [at, part] of wanted.entries()) {
    const text = given[at] ?? '';
    if (!part.startsWith(':')) {
      if (part !== text) return undefined;
      continue;
    }
    const decoded = decodedPart(text);
    if (decoded === undefined || decoded === '') return undefined;
    parts[part.slice(1)] = decoded;
  }
  return parts;
}

/** Undefined for a part that is no percent-encoded UTF-8, such as `%ff`. */
function decodedPart(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
