/** A source of the benchmark's rows over HTTP, in a process of its own: node bench/source/main.ts OPTIONS */
import { createServer, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { API_PATH, metadataAnswer } from './metadata.ts';
import { createPages } from './pages.ts';
import { entitySet, type SourceCounts, type SourceOptions, type SourceOrder } from './table.ts';

const { tables, latency } = JSON.parse(process.argv[2] ?? '') as SourceOptions;
const bySet = new Map(tables.map((table) => [entitySet(table), table]));
const byName = new Map(tables.map((table) => [table.name, table]));
const pages = createPages();
const NOTHING: SourceCounts = { pages: 0, metadata: 0, largestPage: 0, firstRequestAt: null };
let counts = NOTHING;

const server = createServer((request, response) => {
  counts = { ...counts, firstRequestAt: counts.firstRequestAt ?? String(process.hrtime.bigint()) };
  const origin = `http://${request.headers.host}`;
  const { pathname, searchParams } = new URL(request.url ?? '/', origin);
  const path = pathname.replace(API_PATH, '');
  const size = Number(/odata\.maxpagesize=(\d+)/.exec(String(request.headers['prefer']))?.[1] ?? 5_000);
  void answer(origin, path, searchParams, size, response);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) process.send?.({ port: address.port });
});
process.on('message', (order: SourceOrder) => {
  const told = counts;
  if (order.order === 'forget') counts = NOTHING;
  const table = order.order === 'change' ? byName.get(order.table) : undefined;
  if (order.order === 'change' && table !== undefined) pages.change(table, order.rows);
  process.send?.(told);
});
process.on('disconnect', () => process.exit(0));

async function answer(
  origin: string,
  path: string,
  query: URLSearchParams,
  size: number,
  response: ServerResponse,
): Promise<void> {
  const table = bySet.get(path);
  const pause = table === undefined ? latency?.metadata : latency?.rows;
  if (pause !== undefined && pause > 0) await delay(pause);
  if (table === undefined) {
    counts = { ...counts, metadata: counts.metadata + 1 };
    const body = Buffer.from(metadataAnswer(tables, path));
    head(response, body.length);
    response.end(body);
    return;
  }
  const { parts, bytes, sent } = pages.answer(table, origin, query, size);
  counts = { ...counts, pages: counts.pages + 1, largestPage: Math.max(counts.largestPage, bytes) };
  head(response, bytes);
  response.once('close', sent);
  for (const part of parts) response.write(part);
  response.end();
}

function head(response: ServerResponse, bytes: number): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes });
}
