/** A source of the benchmark's rows over HTTP, in a process of its own: node bench/source/main.ts OPTIONS */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { API_PATH, metadataAnswer, type Model } from './metadata.ts';
import { changesOfToken, compressed, Pages } from './pages.ts';
import { entitySet, VERIFIER, type SourceCounts, type SourceOptions, type SourceOrder } from './table.ts';

const { tables, latency: given, lazy = false } = JSON.parse(process.argv[2] ?? '') as SourceOptions;
const bySet = new Map(tables.map((table) => [entitySet(table), table]));
const byName = new Map(tables.map((table) => [table.name, table]));
const model: Model = { tables: byName, changes: 0, changedAt: new Map() };
const NOTHING: SourceCounts = {
  pages: 0,
  metadata: 0,
  largestPage: 0,
  firstRequestAt: null,
  verification: { requests: 0, firstKeysAt: null },
  byToken: {},
  tables: 0,
};
let counts = NOTHING;
/** The tables that were asked for rows. */
const asked = new Set<string>();
let latency = given;

const server = createServer((request, response) => {
  const at = String(process.hrtime.bigint());
  counts = { ...counts, firstRequestAt: counts.firstRequestAt ?? at };
  if (request.headers.authorization === `Bearer ${VERIFIER}`) {
    const { requests, firstKeysAt } = counts.verification;
    const isKeys = request.url?.includes('orderby') === true;
    const first = firstKeysAt ?? (isKeys ? at : null);
    counts = { ...counts, verification: { requests: requests + 1, firstKeysAt: first } };
  }
  void answer(request, response);
});
const port = await new Promise<number>((resolve) => {
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    resolve(typeof address === 'object' && address !== null ? address.port : 0);
  });
});
const origin = `http://127.0.0.1:${port}`;
const pages = new Pages(origin);
process.on('message', (order: SourceOrder) => void obey(order));
process.on('disconnect', () => {
  pages.close();
  process.exit(0);
});
if (!lazy) await pages.prepare(tables);
process.send?.({ port });

async function obey(order: SourceOrder): Promise<void> {
  const told = counts;
  if (order.order === 'forget') {
    counts = NOTHING;
    asked.clear();
  }
  const table = order.order === 'change' ? byName.get(order.table) : undefined;
  if (order.order === 'change' && table !== undefined) {
    const since = pages.changesOf(table).length;
    pages.change(table, order.rows);
    await pages.prepare([table], since);
  }
  if (order.order === 'slow') latency = { rows: order.rows, metadata: latency?.metadata ?? 0 };
  if (order.order === 'grow') await grow(order.table);
  process.send?.(told);
}

/** A table gets one more column. No row changes, but the table's pages have it from now on. */
async function grow(name: string): Promise<void> {
  const table = byName.get(name);
  if (table === undefined) return;
  const grown = { ...table, columns: table.columns + 1 };
  byName.set(name, grown);
  bySet.set(entitySet(grown), grown);
  model.changes += 1;
  model.changedAt.set(name, model.changes);
  pages.change(grown, 0);
  await pages.prepare([grown]);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', origin);
  const path = pathname.replace(API_PATH, '');
  const acceptsGzip = /\bgzip\b/.test(String(request.headers['accept-encoding']));
  const table = bySet.get(path);
  const pause = table === undefined ? latency?.metadata : latency?.rows;
  if (pause !== undefined && pause > 0) await delay(pause);
  if (table === undefined) {
    counts = { ...counts, metadata: counts.metadata + 1 };
    const body = Buffer.from(metadataAnswer(model, path, searchParams));
    send(response, acceptsGzip ? await compressed(body) : body, acceptsGzip);
    return;
  }
  const prefer = String(request.headers['prefer']);
  const since = searchParams.get('$deltatoken');
  const ask = {
    table,
    from: Number(searchParams.get('$skiptoken') ?? 0),
    size: Number(/odata\.maxpagesize=(\d+)/.exec(prefer)?.[1] ?? Number.POSITIVE_INFINITY),
    compressed: acceptsGzip,
  };
  const { body, bytes } = searchParams.has('$orderby')
    ? await pages.keys(ask)
    : await pages.answer({
        ...ask,
        since: since === null ? null : changesOfToken(since),
        annotated: prefer.includes('lookuplogicalname'),
        versioned: prefer.includes('globalmetadataversion'),
      });
  asked.add(table.name);
  const token = request.headers.authorization?.slice('Bearer '.length) ?? '';
  counts = {
    ...counts,
    pages: counts.pages + 1,
    largestPage: Math.max(counts.largestPage, bytes),
    byToken: { ...counts.byToken, [token]: (counts.byToken[token] ?? 0) + 1 },
    tables: asked.size,
  };
  send(response, body, acceptsGzip);
}

function send(response: ServerResponse, body: Buffer, isCompressed: boolean): void {
  response.writeHead(200, {
    'content-type': 'application/json; odata.metadata=minimal',
    'content-length': body.length,
    ...(isCompressed ? { 'content-encoding': 'gzip' } : {}),
  });
  response.end(body);
}
