import { readSync, writeSync } from 'node:fs';
import { Client } from 'pg';
import { ROW_CANARY } from './canaries.ts';
import { CHANNEL, FAILPOINT, type Failpoint } from './failpoint.ts';

// The command line with a failpoint in the driver: the code under test is what users run. Reads and
// writes of the channel block, so the whole process stands still at exactly that point.

const failpoint = JSON.parse(process.env[FAILPOINT] ?? '{"kind":"list"}') as Failpoint;
let statements = 0;
let fitting = 0;

function say(what: string): void {
  writeSync(CHANNEL, `${what.replaceAll('\n', ' ')}\n`);
}

function standStill(what: string): void {
  say(what);
  readSync(CHANNEL, Buffer.alloc(1));
}

function goWrong(): void {
  say(failpoint.kind);
  if (failpoint.kind === 'throw') throw defect('a defect in a timer');
  if (failpoint.kind === 'reject') void Promise.reject(defect('a promise nobody waits for'));
  if (failpoint.kind === 'block') {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, failpoint.milliseconds);
  }
}

/** An error with all that those of pg, drizzle, fetch and URL may carry. */
function defect(message: string): TypeError {
  const { DATABASE_URL: url, DATAVERSE_ACCESS_TOKEN: token } = process.env;
  const link = 'https://org/api/data/v9.2/accounts?$deltatoken=919042';
  const refused = Object.assign(new Error(`invalid input syntax for type integer: "${ROW_CANARY}"`), {
    code: '22P02',
    detail: `Key (name)=(${ROW_CANARY}) already exists.`,
    where: `COPY account, line 1, column name: "${ROW_CANARY}"`,
    internalQuery: `SELECT '${ROW_CANARY}'`,
  });
  const query = `update "tables" set "link" = $1`;
  const failed = Object.assign(new Error(`Failed query: ${query}\nparams: ${link}`, { cause: refused }), {
    query,
    params: [link, ROW_CANARY],
  });
  const carried = { input: url, url: link, headers: { authorization: `Bearer ${token}` } };
  return Object.assign(new TypeError(message, { cause: failed }), carried);
}

function textOf(query: unknown): string {
  if (typeof query === 'string') return query;
  if (typeof query === 'object' && query !== null && 'text' in query) return String(query.text);
  return '';
}

/** Whether this statement is the one that is meant. */
function isMeant(text: string): boolean {
  const number = statements++;
  switch (failpoint.kind) {
    case 'statement':
      return number === failpoint.number;
    case 'before':
    case 'after':
    case 'hang':
    case 'defect':
      return new RegExp(failpoint.text, 'i').test(text) && ++fitting === failpoint.nth;
    case 'copy':
      return /^COPY/i.test(text) && ++fitting === failpoint.nth;
    case 'list':
      say(text);
      return false;
    default:
      if (/set "lease_holder"/.test(text) && ++fitting === 1) setTimeout(goWrong, 1_000);
      return false;
  }
}

interface CopyStream {
  write(chunk: Uint8Array, sent?: () => void): boolean;
  end(): unknown;
}

/** Sends the first half of what is written, gives it time to arrive, and stands still before the rest. */
function halve(stream: CopyStream): void {
  const pieces: Uint8Array[] = [];
  const write = stream.write.bind(stream);
  const end = stream.end.bind(stream);
  stream.write = (piece, sent) => {
    // Whoever is told that it was sent may write over it.
    pieces.push(Buffer.from(piece));
    if (sent !== undefined) process.nextTick(sent);
    return true;
  };
  stream.end = () => {
    const text = Buffer.concat(pieces);
    const half = text.length >> 1;
    write(text.subarray(0, half));
    setTimeout(() => {
      standStill('copy');
      write(text.subarray(half));
      end();
    }, 300);
    return stream;
  };
}

const prototype = Client.prototype as unknown as { query: (...given: unknown[]) => unknown };
const { query } = prototype;
prototype.query = function (this: unknown, ...given: unknown[]): unknown {
  const text = textOf(given[0]);
  const meant = isMeant(text);
  if (!meant) return query.apply(this, given);
  if (failpoint.kind === 'copy') {
    const stream = query.apply(this, given);
    halve(stream as CopyStream);
    return stream;
  }
  if (failpoint.kind === 'after') {
    const answer = query.apply(this, given) as Promise<unknown>;
    return answer.then((result) => {
      standStill(text);
      return result;
    });
  }
  if (failpoint.kind === 'defect') return Promise.reject(defect('a defect in a statement'));
  if (failpoint.kind === 'hang') {
    say(text);
    return new Promise(() => undefined);
  }
  standStill(text);
  return query.apply(this, given);
};

await import('../../src/cli/main.ts');
