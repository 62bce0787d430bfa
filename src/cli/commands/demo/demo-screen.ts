import type { MirrorDatabase } from '../../../mirror/database.ts';
import { readAsText, type TextAnswer } from '../../../mirror/connection/text-query.ts';
import { sleep } from '../../../timing/sleep.ts';

/** A query with the labels of choices and the names of owners. Its lines fit a terminal of 80 columns. */
const EXAMPLE = [
  'SELECT left(title, 28) AS title, left(customerid_name, 20) AS customer,',
  '  prioritycode_label AS priority, ownerid_name AS owner',
  "  FROM dataverse_labeled.incident WHERE statecode_label = 'Active'",
  '  ORDER BY modifiedon DESC LIMIT 3',
] as const;

/** Where to look at a demo. */
export interface DemoPlaces {
  readonly page: string;
  readonly dataverse: string;
  /** The address of the database. */
  readonly postgres: string;
}

/** What a person can look at while the demo runs. Each command works as it is printed. */
export function demoScreen(
  { page, dataverse, postgres }: DemoPlaces,
  answer: TextAnswer | undefined,
): string {
  return [
    '',
    `Page        ${page}`,
    'Status      DATABASE_URL=embedded npx mirrorverse status',
    `Dataverse   ${dataverse}`,
    `PostgreSQL  psql ${postgres}`,
    'Stop        Ctrl-C; the next start goes on from there.',
    'Query       as follows. Any other client of PostgreSQL does as well as psql.',
    `psql -c "${EXAMPLE.join('\n')}" \\`,
    `  ${postgres}`,
    '',
    ...(answer === undefined ? [] : [...answerLines(answer), '']),
  ].join('\n');
}

/** Letters that take two columns of a terminal. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff01-\uff60]/gu;

function columnsOf(text: string): number {
  return [...text.matchAll(/./gsu)].length + [...text.matchAll(WIDE)].length;
}

function answerLines({ columns, rows }: TextAnswer): string[] {
  const widths = columns.map((heading, at) =>
    Math.max(heading.length, ...rows.map((row) => columnsOf(row[at] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - columnsOf(cell)))
      .join(' | ')
      .trimEnd();
  return [line(columns), widths.map((width) => '-'.repeat(width)).join('-+-'), ...rows.map(line)];
}

const TRIES = 20;

/**
 * The answer to the example. The views, and the names in them, come a moment after the rows.
 *
 * @returns undefined if they do not come.
 */
export async function readExample(
  database: MirrorDatabase,
  signal: AbortSignal,
): Promise<TextAnswer | undefined> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const answer = await readAsText(database, EXAMPLE.join('\n'));
    if (answer !== undefined && answer.rows.every((row) => row.every((cell) => cell !== ''))) return answer;
    await sleep(250, signal);
  }
  return undefined;
}
