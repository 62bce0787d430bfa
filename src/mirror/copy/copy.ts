import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { CopyText } from './copy-text.ts';
import { inSavepoint } from '../connection/postgres.ts';
import { isRowError, type PostgresError } from '../connection/sqlstate.ts';

/**
 * Bytes of one COPY message. PostgreSQL counts a message when all of it has come. With a page in one message,
 * a slow connection would look like a process that stands still.
 */
const MESSAGE = 65_536;

/**
 * Sends COPY data piece by piece, each when the connection has taken the one before.
 *
 * Nothing more is sent once PostgreSQL has refused something: the rest of a page would fill memory, and the
 * stream has no connection any more.
 *
 * @returns the result of `pieces`, and the number of rows that PostgreSQL says it took.
 * @throws PostgreSQL's error. The caller then rolls the transaction back.
 */
export async function copy<T>(
  client: pg.PoolClient,
  statement: string,
  pieces: Iterator<Uint8Array, T>,
): Promise<{ readonly sent: T; readonly taken: number }> {
  const stream = client.query(copyFrom(statement));
  const ended = finished(stream);
  // It is awaited at every step. This keeps a rejection between two steps from being unhandled.
  ended.catch(() => undefined);
  for (;;) {
    const piece = pieces.next();
    if (piece.done === true) {
      stream.end();
      await ended;
      return { sent: piece.value, taken: stream.rowCount };
    }
    for (let at = 0; at < piece.value.length; at += MESSAGE) {
      const message = piece.value.subarray(at, at + MESSAGE);
      // oxlint-disable-next-line no-loop-func -- it is called before the loop goes on
      await Promise.race([new Promise((sent) => stream.write(message, sent)), ended]);
    }
  }
}

/** Sends some lines of COPY text. @param lines their numbers, ascending. */
export async function copyLines(
  client: pg.PoolClient,
  statement: string,
  copyText: CopyText,
  lines: readonly number[],
): Promise<void> {
  await copy(client, statement, stretches(copyText, lines));
}

/** The text of the lines; consecutive lines in one piece, because copying would double the memory. */
function* stretches(
  { text, lines: ends }: CopyText,
  lines: readonly number[],
): Generator<Uint8Array, undefined> {
  let from = 0;
  for (let at = 1; at <= lines.length; at++) {
    const last = lines[at - 1] as number;
    if (lines[at] === last + 1) continue;
    yield text.subarray(ends[lines[from] as number], ends[last + 1]);
    from = at;
  }
  return undefined;
}

/**
 * Does `work` with all the lines that PostgreSQL accepts. When some fail because of their rows, they are
 * halved until single lines are left, and `refuse` gets these. One bad row among thousands costs some twelve
 * more rounds with ever smaller pieces.
 *
 * @param refuse may throw to end it, because very many pieces would take long.
 */
export async function withStorable(
  client: pg.PoolClient,
  lines: readonly number[],
  work: (lines: readonly number[]) => Promise<void>,
  refuse: (line: number, error: PostgresError) => void,
): Promise<void> {
  const [first] = lines;
  if (first === undefined) return;
  const error = await inSavepoint(client, async () => work(lines), isRowError);
  if (error === undefined) return;
  if (lines.length === 1) {
    refuse(first, error);
    return;
  }
  const middle = lines.length >> 1;
  await withStorable(client, lines.slice(0, middle), work, refuse);
  await withStorable(client, lines.slice(middle), work, refuse);
}
