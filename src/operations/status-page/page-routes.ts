import { readFileSync } from 'node:fs';
import type { Reply, Route } from '../http/route.ts';
import { refusal } from '../http/refusals.ts';
import { pageBody, PAGE_HEAD } from './page-document.ts';
import type { LiveEvents } from './live-events.ts';
import { pageParts } from './page-parts.ts';
import type { PageState } from './page-state.ts';

export interface PageOptions {
  readonly version: string;
  /** Whether tables may be paused, resumed, resynced and verified from the page. */
  readonly hasToken: boolean;
}

/**
 * The status page, its script and style sheet, and the events that keep it up to date.
 *
 * @param read never rejects.
 */
export function pageRoutes(
  read: () => Promise<PageState>,
  events: LiveEvents,
  { version, hasToken }: PageOptions,
): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/',
      answer: () => ({
        status: 200,
        headers: { 'content-type': 'text/html; charset=utf-8' },
        async body(response) {
          response.write(PAGE_HEAD);
          const state = await read();
          const url = state.report?.environment.url ?? null;
          response.end(pageBody(pageParts(state, false), { url, version, hasToken, now: state.now }).text);
        },
      }),
    },
    asset('status-page.css', 'text/css; charset=utf-8'),
    asset('status-page.js', 'text/javascript; charset=utf-8'),
    asset('icon.svg', 'image/svg+xml'),
    {
      method: 'GET',
      path: '/events',
      answer(): Reply {
        if (!events.hasRoom()) return refusal('too-many-viewers', { 'retry-after': '15' });
        return {
          status: 200,
          // A proxy that collects what it sends (nginx) must not hold the events back.
          headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' },
          body: (response) => events.open(response),
        };
      },
    },
  ];
}

/** A file beside this one, read when a browser asks for it. */
function asset(name: string, type: string): Route {
  return {
    method: 'GET',
    path: `/${name}`,
    answer: () => ({
      status: 200,
      headers: { 'content-type': type, 'cache-control': 'no-cache' },
      body: readFileSync(new URL(name, import.meta.url), 'utf8'),
    }),
  };
}
