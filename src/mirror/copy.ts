import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { CopyText } from './copy-text.ts';
import { isRowError, type PostgresError } from './sqlstate.ts';

/**
 * Bytes of one COPY message. PostgreSQL counts a message when the whole of it has come: with a page in
 * one, a slow connection could not be told from a process that stands still.
 */
const MESSAGE = 65_536;

/** Sends COPY text. @throws PostgreSQL's error; the transaction is then to be rolled back. */
export async function copy(client: pg.PoolClient, statement: string, text: Uint8Array): Promise<void> {
  const stream = client.query(copyFrom(statement));
  for (let at = 0; at < text.length; at += MESSAGE) stream.write(text.subarray(at, at + MESSAGE));
  stream.end();
  await finished(stream);
}

/** Sends some lines of COPY text. @param lines their numbers, ascending. */
export async function copyLines(
  client: pg.PoolClient,
  statement: string,
  copyText: CopyText,
  lines: readonly number[],
): Promise<void> {
  const { text, lines: ends } = copyText;
  const pieces = lines.map((line) => text.subarray(ends[line], ends[line + 1]));
  await copy(client, statement, Buffer.concat(pieces));
}

/**
 * Runs `work` inside a savepoint and takes back what it did when its rows are at fault.
 *
 * @returns that error; any other one is thrown.
 */
export async function inSavepoint(
  client: pg.PoolClient,
  work: () => Promise<void>,
): Promise<PostgresError | undefined> {
  await client.query('SAVEPOINT rows');
  try {
    await work();
    await client.query('RELEASE SAVEPOINT rows');
    return undefined;
  } catch (error) {
    if (!isRowError(error)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT rows');
    return error;
  }
}

/**
 * Does `work` with as many lines as PostgreSQL will take: when some fail because of their rows they are
 * halved until single ones are left, which `refuse` is told. One bad row among thousands costs some
 * twelve more rounds of ever smaller pieces.
 *
 * @param refuse may throw to end it: pieces without number would take long.
 */
export async function withStorable(
  client: pg.PoolClient,
  lines: readonly number[],
  work: (lines: readonly number[]) => Promise<void>,
  refuse: (line: number, error: PostgresError) => void,
): Promise<void> {
  const [first] = lines;
  if (first === undefined) return;
  const error = await inSavepoint(client, async () => work(lines));
  if (error === undefined) return;
  if (lines.length === 1) {
    refuse(first, error);
    return;
  }
  const middle = lines.length >> 1;
  await withStorable(client, lines.slice(0, middle), work, refuse);
  await withStorable(client, lines.slice(middle), work, refuse);
}
