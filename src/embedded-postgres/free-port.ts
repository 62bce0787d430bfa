import { once } from 'node:events';
import { createServer } from 'node:net';

/** Beside PostgreSQL's own 5432, so that the port looks familiar; then any. */
const USUAL = [5433, 5434, 5435, 5436, 5437, 5438, 5439];
const ANY = 0;

/** A port of 127.0.0.1 that nobody listens on: the preferred one if free, and none of the `taken`. */
export async function freePort(
  preferred: number | undefined,
  taken: ReadonlySet<number> = new Set(),
): Promise<number> {
  const candidates = preferred === undefined ? USUAL : [preferred, ...USUAL];
  for (const port of candidates) {
    if (taken.has(port)) continue;
    const free = await tryPort(port);
    if (free !== undefined) return free;
  }
  const free = await tryPort(ANY);
  if (free === undefined) throw new Error('no free port on 127.0.0.1');
  return free;
}

async function tryPort(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    server.close();
    await once(server, 'close');
    return typeof address === 'object' ? address?.port : undefined;
  } catch {
    return undefined;
  }
}
