import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { CopyText } from './copy-text.ts';
import { isRowError, type PostgresError } from './sqlstate.ts';

/** A row that PostgreSQL itself refused. */
export interface RefusedRow {
  /** The page's row number. */
  readonly row: number;
  readonly sqlstate: string;
  readonly reason: string;
}

/** Sends COPY text in one piece. @throws PostgreSQL's error; the transaction is then to be rolled back. */
export async function copy(client: pg.PoolClient, statement: string, text: Uint8Array): Promise<void> {
  const stream = client.query(copyFrom(statement));
  stream.end(text);
  await finished(stream);
}

/**
 * Copies what PostgreSQL will take, and tells which rows it refused: when a piece fails because of
 * its rows it is halved until single rows are left. One bad row in a page costs some twelve more
 * COPYs of ever smaller pieces, a page without one costs nothing.
 */
export async function copyStorable(
  client: pg.PoolClient,
  statement: string,
  copyText: CopyText,
): Promise<RefusedRow[]> {
  const refused: RefusedRow[] = [];
  const lines = copyText.rows.length;
  if (lines > 0) await copyLines(client, statement, copyText, 0, lines, refused);
  return refused;
}

async function copyLines(
  client: pg.PoolClient,
  statement: string,
  copyText: CopyText,
  from: number,
  to: number,
  refused: RefusedRow[],
): Promise<void> {
  const error = await tryCopy(client, statement, copyText, from, to);
  if (error === undefined) return;
  if (to - from === 1) {
    refused.push({ row: copyText.rows[from] ?? 0, sqlstate: error.code, reason: describe(error) });
    return;
  }
  const middle = (from + to) >> 1;
  await copyLines(client, statement, copyText, from, middle, refused);
  await copyLines(client, statement, copyText, middle, to, refused);
}

/** Copies a range of lines inside a savepoint. @returns the error when the rows are at fault. */
async function tryCopy(
  client: pg.PoolClient,
  statement: string,
  copyText: CopyText,
  from: number,
  to: number,
): Promise<PostgresError | undefined> {
  const text = copyText.text.subarray(copyText.lines[from], copyText.lines[to]);
  return inSavepoint(client, async () => copy(client, statement, text));
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

// PostgreSQL's names for what is wrong; its messages quote the value, which must not leave the row.
const CONDITIONS: Readonly<Record<string, string>> = {
  '22003': 'a number out of range',
  '22007': 'no valid date or time',
  '22008': 'a date or time out of range',
  '22021': 'bytes that are no text of its encoding',
  '22P02': 'a value that is not of the type',
  '22P04': 'a malformed line',
  '23502': 'no value where one is required',
};

function describe(error: PostgresError): string {
  // Of PostgreSQL's context only the column's name: what follows it quotes the value.
  const column = /^COPY \S+, line \d+, column ([^:]+)/.exec(error.where ?? '')?.[1];
  const condition = CONDITIONS[error.code] ?? `SQLSTATE ${error.code}`;
  return `PostgreSQL refused ${column === undefined ? 'the row' : `column ${column}`}: ${condition}`;
}
