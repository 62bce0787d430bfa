import { readFileSync } from 'node:fs';
import { pino, type Logger } from 'pino';
import { describeError } from '../../src/model/error-description.ts';
import type { TestDatabase } from './database.ts';

/** A value for rows that are meant to go wrong: it must never be read anywhere but in their table. */
export const ROW_CANARY = 'canary-of-a-row';

const SECRET_VARIABLES = [
  'AZURE_CLIENT_SECRET',
  'AZURE_CLIENT_CERTIFICATE_PASSWORD',
  'DATAVERSE_ACCESS_TOKEN',
  'MIRRORVERSE_HASH_KEY',
  'MIRRORVERSE_API_TOKEN',
  'MIRRORVERSE_WEBHOOK_SECRET',
  'MIRRORVERSE_WEBHOOK_URL',
];
/** Links, keys, rows and tokens, whatever the test. */
const ALWAYS = [
  /deltatoken=[^…]/i,
  /skiptoken=[^…]/i,
  /PRIVATE KEY/,
  /\bBearer [^\s…]/i,
  new RegExp(ROW_CANARY, 'i'),
];
/** A shorter one would be found in any text. */
const SHORTEST = 6;

/** The secrets that a command is given by its environment. */
export function secretsOf(environment: Readonly<Record<string, string | undefined>>): string[] {
  const given = [...SECRET_VARIABLES, 'DATABASE_URL'].flatMap((name) => {
    const file = environment[`${name}_FILE`] ?? '';
    const value = environment[name] ?? '';
    return value !== '' ? [[name, value] as const] : file === '' ? [] : [[name, contentOf(file)] as const];
  });
  return given
    .map(([name, value]) => (name === 'DATABASE_URL' ? passwordOf(value) : value))
    .filter((secret) => secret.length >= SHORTEST);
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

/** The password of a connection URL; empty without one. */
function passwordOf(url: string): string {
  return URL.canParse(url) ? decodeURIComponent(new URL(url).password) : '';
}

/** What of the output must not be there, with its surroundings. */
export function leaks(output: string, secrets: readonly string[]): string[] {
  const found = [
    ...secrets.flatMap(formsOf).map((form) => output.indexOf(form)),
    ...ALWAYS.map((pattern) => output.search(pattern)),
  ];
  return found.filter((at) => at >= 0).map((at) => output.slice(Math.max(0, at - 200), at + 100));
}

/** A secret as it is, percent-encoded, and in base64 but for the end, which depends on what follows. */
function formsOf(secret: string): string[] {
  return [
    ...new Set([secret, encodeURIComponent(secret)]),
    Buffer.from(secret).toString('base64').slice(0, -3),
  ];
}

/** What of the state tables must not be there; the links themselves are kept in them, in a column of theirs. */
export async function leaksInState(database: TestDatabase, secrets: readonly string[]): Promise<string[]> {
  try {
    const found = await database.query<{ name: string }>(
      `SELECT format('%I.%I', t.table_schema, t.table_name) AS name FROM information_schema.columns q
         JOIN information_schema.tables t ON t.table_schema = q.table_schema AND t.table_type = 'BASE TABLE'
        WHERE q.table_name = 'quarantine' AND q.column_name = 'sqlstate'`,
    );
    const rows = found.map(({ name }) => `SELECT (to_jsonb(t) - 'link')::text AS row FROM ${name} t`);
    if (rows.length === 0) return [];
    const state = await database.query<{ row: string }>(rows.join(' UNION ALL '));
    return leaks(state.map(({ row }) => row).join('\n'), secrets);
  } catch {
    // The server of the test has gone, or it dropped a table meanwhile.
    return [];
  }
}

/** A log that nobody reads but this: every line is searched. */
export class SearchedLog {
  readonly logger: Logger;
  readonly found: string[] = [];

  /** @param read told each line as an object. */
  constructor(
    secrets: readonly string[],
    read: (line: { level: number; msg: string }) => void = () => undefined,
  ) {
    const write = (line: string): void => {
      this.found.push(...leaks(line, secrets));
      read(JSON.parse(line) as { level: number; msg: string });
    };
    this.logger = pino(
      { level: 'trace', base: null, serializers: { err: (error: unknown) => describeError(error) } },
      { write },
    );
  }

  /** @throws Error when a line had what it must not have. */
  assertClean(): void {
    assertNoLeak(this.found);
  }
}

export function assertNoLeak(found: readonly string[]): void {
  if (found.length > 0) throw new Error(`A secret, a link or a row came out:\n${found.join('\n')}`);
}
