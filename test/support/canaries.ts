import { readFileSync } from 'node:fs';
import { pino, type Logger } from 'pino';
import { describeError } from '../../src/model/error-description.ts';

/** A value for rows that are meant to go wrong: it must never be read anywhere but in their table. */
export const ROW_CANARY = 'canary-of-a-row';

const SECRET_VARIABLES = [
  'AZURE_CLIENT_SECRET',
  'AZURE_CLIENT_CERTIFICATE_PASSWORD',
  'DATAVERSE_ACCESS_TOKEN',
  'MIRRORVERSE_HASH_KEY',
];
/** Links, keys and rows, whatever the test. */
const ALWAYS = [/deltatoken=/i, /skiptoken=/i, /PRIVATE KEY/, new RegExp(ROW_CANARY, 'i')];
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
    ...secrets.map((secret) => output.indexOf(secret)),
    ...ALWAYS.map((pattern) => output.search(pattern)),
  ];
  return found.filter((at) => at >= 0).map((at) => output.slice(Math.max(0, at - 200), at + 100));
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
