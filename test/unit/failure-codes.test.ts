import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { FAILURE_CODES } from '../../src/model/failure-codes.ts';

const SOURCE = fileURLToPath(new URL('../../src', import.meta.url));
const PAGE = fileURLToPath(new URL('../../docs/failures.md', import.meta.url));

/** What the page says above the codes of each group. */
const GROUPS: Readonly<Record<keyof typeof FAILURE_CODES, readonly [heading: string, text: string]>> = {
  retry: [
    'mirrorverse tries again',
    'The trouble passes, and the next run may succeed. The pause before the next run grows from one second to two minutes.',
  ],
  rebaseline: [
    'mirrorverse loads the table anew',
    'The checkpoint of the table has lost its worth. Readers go on reading the rows while mirrorverse loads the table over them.',
  ],
  'stop-table': [
    'The table stops until somebody changes something',
    'Other tables go on. The daemon tries the table again after long waits, so it needs no restart after the change.',
  ],
  'stop-process': [
    'Nothing works until somebody changes something',
    'The command ends. The daemon does not start, or tries again after long waits.',
  ],
  'go-on': ['Nothing stops', 'The log, `status`, `check` or `/readyz` says so, and the work goes on.'],
};

/** Where docs/ says more about a failure: a page and a heading of that page. */
const MORE: Readonly<Record<string, readonly [page: string, heading: string]>> = {
  'column-odd': ['metadata.md', 'Metadata that is odd or cannot be read'],
  'database-tls': ['operations.md', 'TLS to PostgreSQL'],
  'drift-pending': ['metadata.md', "When the source's metadata changes"],
  'drift-refused': ['metadata.md', "When the source's metadata changes"],
  'drift-unconfirmed': ['metadata.md', "When the source's metadata changes"],
  'erasure-refused': ['operations.md', 'When deletes become hard'],
  'grant-missing': ['operations.md', 'Least privilege'],
  'metadata-unread': ['metadata.md', 'Metadata that is odd or cannot be read'],
  'mirror-replaced': ['operations.md', 'When the mirror was changed by hand'],
  'pooler-statement-mode': ['operations.md', 'Poolers'],
  'proxy-refused': ['operations.md', 'A proxy'],
  'proxy-unreachable': ['operations.md', 'A proxy'],
  'settings-differ': ['operations.md', 'When deletes become hard'],
  'sweep-refused': ['operations.md', 'When a sweep waits'],
  'too-many-bad-rows': ['operations.md', 'Rows in quarantine'],
};

/** The link to more about a failure. */
function linkToMore(code: string): string {
  const [page, heading] = MORE[code] ?? [];
  if (page === undefined || heading === undefined) return '';
  const anchor = heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 ]/g, '')
    .replaceAll(' ', '-');
  return ` [${heading}](${page}#${anchor})`;
}

const entries = Object.entries(FAILURE_CODES).flatMap(([group, codes]) =>
  Object.entries<readonly [string, string]>(codes).map(([code, [meaning, remedy]]) => ({
    group: group as keyof typeof FAILURE_CODES,
    code,
    meaning,
    remedy,
  })),
);

/** docs/failures.md as the list makes it. */
function failuresPage(): string {
  const sections = Object.entries(GROUPS).map(([group, [heading, text]]) => {
    const rows = entries
      .filter((entry) => entry.group === group)
      .map(({ code, meaning, remedy }) => `| \`${code}\` | ${meaning}${linkToMore(code)} | ${remedy} |`);
    return [`## ${heading}`, '', text, '', '| code | meaning | what to do |', '|---|---|---|', ...rows].join(
      '\n',
    );
  });
  return `${[
    '# Failures',
    'A failure has a code, a message that names tables and columns, and a remedy. You find them in the log (`code`, `remedy`), in `mirrorverse status`, in the findings of `mirrorverse check`, at `/readyz`, and in the table `tables` of the state schema. The sections below group the codes by what happens next. A code stands in two groups if its reaction depends on the circumstances. The remedy of a single failure may be more exact than the remedy on this page.',
    ...sections,
    'This page is made from `src/model/failure-codes.ts` by `npm run docs:failures`.',
  ].join('\n\n')}\n`;
}

const sources = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && path !== 'model/failure-codes.ts')
  .map((path) => ({ path, text: readFileSync(resolve(SOURCE, path), 'utf8') }));

test('docs/failures.md says what the list of failure codes says (else: npm run docs:failures)', async () => {
  await expect(failuresPage()).toMatchFileSnapshot(PAGE);
});

test('every heading that docs/failures.md links to exists', () => {
  for (const [page, heading] of Object.values(MORE)) {
    expect(readFileSync(resolve(PAGE, '..', page), 'utf8')).toMatch(new RegExp(`^#+ ${heading}$`, 'm'));
  }
});

test('every failure code has a meaning and a remedy, as sentences', () => {
  const odd = entries.filter(({ meaning, remedy }) => !/^\S.*\.$/.test(meaning) || !/^\S.*\.$/.test(remedy));
  expect(odd).toEqual([]);
});

test('the failure codes of each group are in alphabetical order', () => {
  for (const codes of Object.values(FAILURE_CODES)) {
    expect(Object.keys(codes)).toEqual(Object.keys(codes).toSorted());
  }
});

test('every listed failure code is used in src', () => {
  const unused = entries.filter(({ code }) => !sources.some(({ text }) => text.includes(`'${code}'`)));
  expect(unused).toEqual([]);
});

test('no failure in src has a code outside of the list', () => {
  const listed = new Set(entries.map(({ code }) => code));
  const found = sources
    .filter(({ path }) => !/^(?:config|emulator|embedded-postgres)\//.test(path))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/(?<!kind: 'network', )\bcode: '([a-z]+(?:-[a-z]+)*)'/g)]
        .filter(([, code]) => !listed.has(code ?? ''))
        .map(([, code]) => `src/${path}: ${code}`),
    );
  expect(found).toEqual([]);
});
