import type { DataverseStore } from '../../src/emulator/store/dataverse-store.ts';
import { literalOf } from '../../src/emulator/store/wire-value.ts';
import type { TestDatabase } from './database.ts';

interface Answer {
  readonly value: readonly Record<string, unknown>[];
  readonly '@odata.nextLink'?: string;
  readonly '@odata.deltaLink'?: string;
}

interface Position {
  readonly phase: string;
  readonly link: string | null;
}

/**
 * Whether the rows of a mirror table are exactly those of its stored link, told from the source alone:
 * what the link has yet to bring is not in the mirror, and together with it the mirror is the source.
 *
 * For a table in its baseline or in a delta, and a source that is quiet meanwhile.
 *
 * @returns what is wrong.
 */
export async function misplaced(
  store: DataverseStore,
  database: TestDatabase,
  table: string,
): Promise<string[]> {
  const key = `${table}id`;
  const mirror = await mirrorVersions(database, table, key);
  const { phase, link } = await position(database, table);
  if (link === null) return mirror.size === 0 ? [] : [`no link, but ${mirror.size} rows`];
  const wrong: string[] = [];
  for (const [id, version] of await yetToCome(link, key)) {
    const before = mirror.get(id);
    if (version === null) {
      if (before === undefined) wrong.push(`${id} is gone before its tombstone`);
      mirror.delete(id);
    } else {
      if (before !== undefined && (phase === 'baseline' || before >= version)) {
        wrong.push(`${id} is there before its page`);
      }
      mirror.set(id, version);
    }
  }
  for (const row of store.rows(table)) {
    const version = BigInt(literalOf(row.values.get('versionnumber') ?? null) ?? '0');
    if (mirror.get(row.id) !== version) wrong.push(`${row.id} would be lost`);
    mirror.delete(row.id);
  }
  return [...wrong, ...[...mirror.keys()].map((id) => `${id} would stay`)];
}

async function position(database: TestDatabase, table: string): Promise<Position> {
  const [row] = await ifThere(
    database.query<{ phase: string; link: string | null }>(
      'SELECT phase, link FROM mirrorverse.tables WHERE "table" = $1',
      [table],
    ),
  );
  return row ?? { phase: 'new', link: null };
}

async function mirrorVersions(
  database: TestDatabase,
  table: string,
  key: string,
): Promise<Map<string, bigint>> {
  const rows = await ifThere(
    database.query<{ id: string; version: string }>(
      `SELECT "${key}"::text AS id, versionnumber::text AS version FROM dataverse."${table}"`,
    ),
  );
  return new Map(rows.map(({ id, version }) => [id, BigInt(version)]));
}

/** Rows of a query; none where its table is not there yet. */
async function ifThere<T>(rows: Promise<T[]>): Promise<T[]> {
  try {
    return await rows;
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['42P01', '3F000'].includes(String(error.code)))
      return [];
    throw error;
  }
}

/** The versions that a link leads to, and null for what it says was deleted. */
async function yetToCome(link: string, key: string): Promise<Map<string, bigint | null>> {
  const found = new Map<string, bigint | null>();
  let url = link;
  for (;;) {
    const answer = await read(url);
    for (const entry of answer.value) {
      if ('reason' in entry) found.set(String(entry['id']), null);
      else found.set(String(entry[key]), BigInt(String(entry['versionnumber'])));
    }
    const { '@odata.nextLink': next, '@odata.deltaLink': delta } = answer;
    if (next === undefined && answer.value.length === 0) return found;
    // A delta whose pages began earlier ends at what it knew then; another follows it.
    url = next ?? delta ?? url;
  }
}

/** Version numbers of the tests are small enough for JavaScript's. */
async function read(url: string): Promise<Answer> {
  const answer = await fetch(url, {
    headers: {
      authorization: 'Bearer emulator-token',
      'user-agent': OBSERVER,
      prefer: 'odata.maxpagesize=100',
    },
  });
  if (!answer.ok) throw new Error(`The link is answered with ${answer.status}.`);
  return (await answer.json()) as Answer;
}

/** What a test's own requests are told by in the journal. */
export const OBSERVER = 'observer';
