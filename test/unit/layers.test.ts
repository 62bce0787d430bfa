import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SOURCE = fileURLToPath(new URL('../../src', import.meta.url));

/** What each folder may import beside itself; `cli` may import everything. */
const MAY_IMPORT: Readonly<Record<string, { readonly folders: readonly string[]; readonly rule: string }>> = {
  model: { folders: [], rule: 'model imports nothing outside itself' },
  timing: { folders: ['model'], rule: 'timing imports only model' },
  log: { folders: ['model', 'timing'], rule: 'log imports only model and timing' },
  dataverse: { folders: ['model', 'timing', 'log'], rule: 'dataverse imports only model, timing and log' },
  mirror: { folders: ['model', 'timing', 'log'], rule: 'mirror imports only model, timing and log' },
  sync: {
    folders: ['model', 'timing', 'log', 'dataverse', 'mirror'],
    rule: 'sync imports only model, timing, log, dataverse and mirror',
  },
  operations: {
    folders: ['model', 'timing', 'log', 'dataverse', 'mirror', 'sync'],
    rule: 'operations imports nothing of config and cli',
  },
  config: {
    folders: ['model', 'log'],
    rule: 'config imports only model, log, and what it says of an address, a proxy and of signing in',
  },
  'embedded-postgres': { folders: ['model'], rule: 'embedded-postgres imports only model' },
  emulator: { folders: ['model'], rule: 'emulator imports only model' },
};

/** What config reads settings into, beside the words of model. */
const CONFIG_IMPORTS: readonly string[] = [
  '../dataverse/network/proxy-settings.ts',
  '../dataverse/sign-in/sign-in-methods.ts',
  '../mirror/connection/postgres-address.ts',
  '../mirror/connection/tls-choice.ts',
];

const FORBIDDEN_PACKAGES: Readonly<Record<string, RegExp>> = {
  model: /^(?!node:)/,
  dataverse: /^(?:pg|pg-.*|drizzle-.*)(?:\/|$)/,
  mirror: /^(?:@azure\/.*|undici|(?:node:)?https?2?)(?:\/|$)/,
  sync: /^(?:pg|pg-.*|drizzle-.*|@azure\/.*)(?:\/|$)/,
};

/** Modules of Node.js that only calculate. */
const PURE_MODULES: readonly string[] = ['node:buffer', 'node:util', 'node:crypto'];

interface Import {
  readonly text: string;
  readonly from: string;
}

interface SourceFile {
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  readonly code: string;
  readonly imports: readonly Import[];
}

const IMPORT =
  /(?:^|[\n;])\s*((?:import|export)\b[^;'"]*?\bfrom\s*|import\s*|(?:[^\n]*?\b)import\(\s*)['"]([^'"]+)['"]/g;

const files: readonly SourceFile[] = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(resolve(SOURCE, path), 'utf8');
    return {
      path,
      folder: path.split('/')[0] ?? '',
      text,
      code: text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$|(?<=\s)\/\/ .*$/gm, ''),
      imports: [...text.matchAll(IMPORT)].map((match) => ({ text: match[1] ?? '', from: match[2] ?? '' })),
    };
  });

/** The folder of src that a relative import leads to. */
function folderOf(file: SourceFile, from: string): string {
  return relative(SOURCE, resolve(SOURCE, dirname(file.path), from)).split('/')[0] ?? '';
}

const isConfigImport = (file: SourceFile, { from }: Import): boolean =>
  file.folder === 'config' &&
  CONFIG_IMPORTS.includes(`../${relative(SOURCE, resolve(SOURCE, dirname(file.path), from))}`);

const violations = (breaks: (file: SourceFile) => readonly string[]): string[] =>
  files.flatMap((file) => breaks(file).map((what) => `src/${file.path}: ${what}`));

test('every import goes downwards', () => {
  expect(files.flatMap(({ imports }) => imports).length).toBeGreaterThan(100);
  const found = violations((file) => {
    const allowed = MAY_IMPORT[file.folder];
    if (allowed === undefined) return file.folder === 'cli' ? [] : ['a folder that the rules do not know'];
    return file.imports
      .filter(({ from }) => from.startsWith('.'))
      .filter((one) => !isConfigImport(file, one))
      .filter(({ from }) => ![file.folder, ...allowed.folders].includes(folderOf(file, from)))
      .map(({ from }) => `imports ${from}, but ${allowed.rule}`);
  });
  expect(found).toEqual([]);
});

test('no folder uses a package of a room it must not know', () => {
  const found = violations((file) =>
    file.imports
      .filter(({ from }) => !from.startsWith('.') && FORBIDDEN_PACKAGES[file.folder]?.test(from) === true)
      .map(({ from }) => `imports ${from}, which ${file.folder} must not know`),
  );
  expect(found).toEqual([]);
});

test('only dataverse makes requests of its own to the environment', () => {
  const silent = ['model', 'mirror', 'sync', 'operations', 'config'];
  const found = violations((file) =>
    silent.includes(file.folder) && /\bfetch\(/.test(file.code)
      ? [`calls fetch, but ${file.folder} knows no HTTP`]
      : [],
  );
  expect(found).toEqual([]);
});

/** Folders that leave transactions, connections and SQLSTATEs to the mirror. */
const ABOVE_MIRROR = ['sync', 'operations', 'cli'];

/** What only the mirror does with PostgreSQL, and what it looks like in code. */
const OF_MIRROR: readonly (readonly [RegExp, string])[] = [
  [/(?<![.\w])(?:transaction|statement)\(/, 'runs a statement or a transaction'],
  [/\bstore\s*\.(?:on|db|statement|transaction)\b/, 'uses the database of the state store'],
  [/from 'pg'|\.pool\b|\bpg\.\w/, 'uses a pool or a client of pg'],
  // A SQLSTATE has a digit, which the system's codes of the same length (EPIPE) have not.
  [/['"`](?=[A-Z]*\d)[0-9A-Z]{5}['"`]/, 'names a SQLSTATE'],
  [/\bdetails\b[^\n]*\bsqlstate\b|\bSQLSTATE\b/, 'looks at a SQLSTATE'],
];

test('only the mirror opens transactions, uses connections and knows SQLSTATEs', () => {
  const found = violations(({ folder, code }) =>
    ABOVE_MIRROR.includes(folder)
      ? OF_MIRROR.flatMap(([pattern, what]) => (pattern.test(code) ? [`${what}, but only mirror may`] : []))
      : [],
  );
  expect(found).toEqual([]);
});

test('model has no side effects and knows no tools', () => {
  const effect =
    /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask|fetch)\(|\b(?:process|console|performance)\.\w|\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\b(?:readFile|writeFile)/;
  const found = violations((file) => {
    if (file.folder !== 'model') return [];
    const tools = file.imports
      .filter(({ from }) => from.startsWith('node:') && !PURE_MODULES.includes(from))
      .map(({ from }) => `imports ${from}, which does something`);
    return effect.test(file.code) ? [...tools, 'has a side effect'] : tools;
  });
  expect(found).toEqual([]);
});

test('no folder has more than 15 files of its own', () => {
  const counts = new Map<string, number>();
  for (const { path } of files) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  const full = [...counts].filter(([, count]) => count > 15);
  expect(full.map(([folder, count]) => `src/${folder} has ${count} files of its own`)).toEqual([]);
});

test('only config and the files of the command line read the environment', () => {
  const found = violations((file) =>
    /\bprocess\.env\b|\benv\b[^'"\n]*from 'node:process'/.test(file.code) &&
    !['config', 'embedded-postgres'].includes(file.folder) &&
    file.folder !== 'cli'
      ? ['reads process.env, but only config may']
      : [],
  );
  expect(found).toEqual([]);
});

test('only the command line ends the process', () => {
  const found = violations((file) =>
    file.folder !== 'cli' && /\bprocess\.(?:exit|abort)\(|\bprocess\.exitCode\s*=/.test(file.code)
      ? ['ends the process, but only cli may']
      : [],
  );
  expect(found).toEqual([]);
});

test('no file is longer than 400 lines', () => {
  const found = violations(({ text }) => (text.split('\n').length > 401 ? ['is longer than 400 lines'] : []));
  expect(found).toEqual([]);
});

test('no file has a name that says nothing', () => {
  const empty = /^(?:utils?|helpers?|index|common|misc)$/;
  expect(
    violations(({ path }) => (empty.test(basename(path, '.ts')) ? ['says nothing by its name'] : [])),
  ).toEqual([]);
});

test('a name of a file exists in one folder only', () => {
  const names = files.map(({ path }) => basename(path));
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});

test('no file imports itself by way of others', () => {
  const imported = new Map(
    files.map((file): [string, string[]] => [
      file.path,
      file.imports
        .filter(({ from, text }) => from.startsWith('.') && !/^(?:import|export) type\b/.test(text))
        .map(({ from }) => relative(SOURCE, resolve(SOURCE, dirname(file.path), from))),
    ]),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) cycles.push([...way.slice(way.indexOf(path)), path].join(' → '));
    if (done.has(path) || way.includes(path)) return;
    for (const next of imported.get(path) ?? []) visit(next, [...way, path]);
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  expect(cycles).toEqual([]);
});
