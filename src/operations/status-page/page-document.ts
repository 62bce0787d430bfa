import { markup, type Html } from './markup.ts';
import type { PageParts } from './page-parts.ts';

/** Sent before the state is known, so that the browser already loads what it needs. */
export const PAGE_HEAD = `<!doctype html>
<html lang=en>
<meta charset=utf-8>
<meta name=viewport content="width=device-width">
<meta name=color-scheme content="light dark">
<title>mirrorverse</title>
<link rel=icon href=icon.svg>
<link rel=stylesheet href=status-page.css>
<script type=module src=status-page.js></script>
<noscript><meta http-equiv=refresh content=10></noscript>
`;

/** What the page says beside its parts. */
export interface PageFrame {
  /** The address of the environment; null before it was reached. */
  readonly url: string | null;
  readonly version: string;
  /** Whether tables may be paused, resumed, resynced and verified from the page. */
  readonly hasToken: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The body of the page. What has an id is what the script changes. */
export function pageBody({ sections, order, rows }: PageParts, frame: PageFrame): Html {
  const rowsOf = (names: readonly string[]): Html[] => names.flatMap((name) => rows.get(name)?.row ?? []);
  const section = (id: string): Html => sections.get(id) ?? markup``;
  const { url, version, hasToken, now } = frame;
  return markup`<body data-now="${Math.round(now)}">
<header><p>mirrorverse <span>${url === null ? 'no environment yet' : url.replace(/^https?:\/\//, '')}</span><p id=live></header>
<main>
<div><h1 id=whole>${section('whole')}</h1><p role=status id=said></p></div>
<section id=trouble aria-label=Trouble>${section('trouble')}</section>
<section aria-label=Tables>
<table id=tables><caption>Tables</caption>${HEADINGS}${rowsOf(order.tables)}</table>
<table id=apart><caption>No longer configured: <code>mirrorverse forget</code> removes tables that no process mirrors</caption>${HEADINGS}${rowsOf(order.apart)}</table>
${hasToken ? CONTROL : null}</section>
<aside>
<section aria-labelledby=b><h2 id=b>Budget</h2><div id=budget>${section('budget')}</div></section>
<section aria-label="Recent runs"><table><caption>Recent runs</caption><thead><tr><th scope=col>Table<th scope=col>Run<th scope=col>Took<th scope=col>Ended</thead><tbody id=runs>${section('runs')}</tbody></table></section>
</aside>
</main>
<footer>${PHASES}<p>mirrorverse ${version}</footer>
`;
}

/** The tables with what needs somebody first. */
const HEADINGS = markup`<thead><tr><th scope=col>Table<th scope=col aria-sort=other>Phase<th scope=col>Up to date<th scope=col>Rows<th scope=col>Verified (UTC)</thead>`;

const PHASES = markup`<details><summary>What the phases mean</summary><dl>
<dt>new<dd>no page is stored yet
<dt>baseline<dd>the first load is under way
<dt>delta<dd>follows changes
<dt>rebaseline<dd>a new load over the rows that are there
<dt>paused<dd>stopped by a person, until resumed
<dt>attention<dd>waits for a yes: <code>mirrorverse plan</code>
<dt>failed<dd>a person must change something
</dl></details>`;

/** The style sheet hides the form where scripts are off, because only the script can use it. */
const CONTROL = markup`<form id=unlock><label for=token>API token</label> <input id=token type=password autocomplete=off required> <button>Unlock</button> <span>Then choose a table to pause, resume, resync or verify it.</span></form>
<dialog id=act aria-labelledby=act-title><form method=dialog><h2 id=act-title></h2>
<p><label for=for>Pause for</label> <select id=for><option value="">as long as the link allows<option value=1h>1 hour<option value=4h>4 hours<option value=24h>1 day</select></p>
<p><label for=reason>Reason</label> <input id=reason maxlength=200 autocomplete=off></p>
<p><button value=pause>Pause</button> <button value=resume>Resume</button> <button value=resync>Resync</button> <button value=verify>Verify</button> <button value="">Cancel</button></p>
<p>Pause stops the table after the page under way. Resync loads every row anew over the rows that are there. Verify compares the table with its source.</p>
<p id=refused role=alert></p></form></dialog>
`;
