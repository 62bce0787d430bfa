import type { ServerResponse } from 'node:http';
import { pageParts, type PageParts } from './page-parts.ts';
import type { PageState } from './page-state.ts';

/** Clients at the same time. */
const MOST_CLIENTS = 20;
/** Milliseconds between two looks at the state, at least. */
const BETWEEN_LOOKS = 2_000;
/** A look may take a tenth of the time, because counting the rows of large tables is work for PostgreSQL. */
const REST_SHARE = 10;
const LONGEST_REST = 30_000;
/** Milliseconds between two comments. They keep a proxy from closing a connection that says nothing. */
const BETWEEN_COMMENTS = 15_000;
/** Bytes that a client has not taken. The server forgets a client that is slower; it comes back by itself. */
const LARGEST_BACKLOG = 1024 * 1024;

/** Server-sent events with what has changed on the page. */
export interface LiveEvents {
  /** Whether one more client may come. */
  readonly hasRoom: () => boolean;
  /** Sends the whole state now, and changes later, until the client goes away or the events are closed. */
  readonly open: (response: ServerResponse) => void;
  /** Looks at the state soon, because something has just changed it. */
  readonly lookSoon: () => void;
  readonly close: () => void;
}

/**
 * The state is read once for all clients, and not at all while there is none.
 *
 * @param read never rejects.
 */
export function createLiveEvents(read: () => Promise<PageState>): LiveEvents {
  /** Each client, and whether it has had the whole state. */
  const clients = new Map<ServerResponse, { informed: boolean }>();
  let last: PageParts | undefined;
  let isLooking = false;
  let isAsked = false;
  let isClosed = false;
  let next: NodeJS.Timeout | undefined;
  let comments: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    clearTimeout(next);
    if (isLooking) {
      isAsked = true;
      return;
    }
    isLooking = true;
    isAsked = false;
    const begun = performance.now();
    const state = await read();
    const parts = pageParts(state, true);
    const [whole, changes] = [eventOf(state.now, parts), eventOf(state.now, parts, last)];
    last = parts;
    for (const [response, client] of clients) {
      send(response, client.informed ? changes : whole);
      client.informed = true;
    }
    isLooking = false;
    if (clients.size === 0) {
      last = undefined;
      return;
    }
    const took = performance.now() - begun;
    const rest = Math.min(LONGEST_REST, Math.max(BETWEEN_LOOKS, REST_SHARE * took));
    next = setTimeout(() => void look(), isAsked ? 0 : rest);
  }

  function forget(response: ServerResponse): void {
    clients.delete(response);
    if (clients.size > 0) return;
    clearTimeout(next);
    clearInterval(comments);
    comments = undefined;
  }

  return {
    hasRoom: () => !isClosed && clients.size < MOST_CLIENTS,
    open(response) {
      clients.set(response, { informed: false });
      response.once('close', () => forget(response));
      // A connection that nothing is sent on is not opened for the client.
      response.write(': hello\n\n');
      comments ??= setInterval(() => {
        for (const client of clients.keys()) send(client, ': still here\n\n');
      }, BETWEEN_COMMENTS);
      void look();
    },
    lookSoon() {
      if (clients.size > 0) void look();
    },
    close() {
      isClosed = true;
      for (const response of clients.keys()) response.end();
    },
  };
}

function send(response: ServerResponse, text: string | undefined): void {
  if (text === undefined) return;
  if (response.writableLength > LARGEST_BACKLOG) response.destroy();
  else response.write(text);
}

/**
 * The event with all parts, or with those that differ from an earlier state; undefined if none does. Its data is
 * JSON with pieces of HTML.
 */
export function eventOf(now: number, parts: PageParts, before?: PageParts): string | undefined {
  const sections = [...parts.sections].filter(([id, { text }]) => before?.sections.get(id)?.text !== text);
  const rows = [...parts.rows].filter(([table, { row }]) => before?.rows.get(table)?.row.text !== row.text);
  const order = JSON.stringify(parts.order) === JSON.stringify(before?.order) ? {} : { order: parts.order };
  if (sections.length === 0 && rows.length === 0 && !('order' in order)) return undefined;
  const data = {
    now: Math.round(now),
    sections: Object.fromEntries(sections.map(([id, { text }]) => [id, text])),
    tables: rows.map(([table, { phase, row }]) => ({ table, phase, html: row.text })),
    ...order,
  };
  return `data: ${JSON.stringify(data)}\n\n`;
}
