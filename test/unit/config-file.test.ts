import { expect, test } from 'vitest';
import { describeProblem } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { keysOf, load, problemsOf, written } from './config-directory.ts';

test('a variable in a value is replaced, wherever the value stands', () => {
  const yaml = `
postgres: { url: 'postgres://\${USER}:\${PASSWORD}@db/crm' }
limits: { concurrency: '\${CONCURRENCY}' }
tables: ['\${TABLE}', { name: b, columns: { exclude: ['\${COLUMN}'] } }]
`;
  const variables = { USER: 'u', PASSWORD: 'p$&', CONCURRENCY: '3', TABLE: 'account', COLUMN: 'fax' };
  expect(load(yaml, variables)).toMatchObject({
    postgres: { url: 'postgres://u:p$&@db/crm' },
    limits: { concurrency: 3 },
    tables: [{ name: 'account' }, { name: 'b', columns: { exclude: ['fax'] } }],
  });
});

test('a variable that is not set is a problem of its key, and each such variable is reported', () => {
  const problems = problemsOf(
    `postgres: { url: 'postgres://\${NOBODY}:\${NOTHING}@db' }\ntables: ['a\${NONE}']`,
  );
  expect(keysOf(problems)).toEqual(['postgres.url', 'postgres.url', 'tables.0']);
  expect(problems.map(({ message }) => message).join()).toMatch(/NOBODY.*NOTHING.*NONE/);
});

test('a value whose variable is not set breaks no other rule of its key', () => {
  const yaml = [
    "dataverse: { url: '${A}' }",
    "postgres: { url: '${B}' }",
    "lease: '${C}'",
    "verify: { share: '${D}' }",
    "tables: [{ name: account, schedule: '${E}' }]",
  ].join('\n');
  const needs = { dataverse: true, postgres: true, tables: true };
  expect(keysOf(problemsOf(yaml, {}, needs)).toSorted()).toEqual([
    'dataverse.url',
    'lease',
    'postgres.url',
    'tables.0.schedule',
    'verify.share',
  ]);
});

test('a replaced value is not replaced again', () => {
  expect(load("tables: ['${A}']", { A: '${B}', B: 'no' }).tables[0]?.name).toBe('${B}');
});

test('a file that is named but not there is a problem', () => {
  for (const variables of [{}, { MIRRORVERSE_CONFIG: '/nowhere/other.yaml' }]) {
    expect(() => loadConfig('/nowhere/mirrorverse.yaml', {}, variables)).toThrow(
      /--config.*\/nowhere\/mirrorverse/,
    );
  }
});

test('MIRRORVERSE_CONFIG names the file, and the command line wins over it', () => {
  const variables = { MIRRORVERSE_CONFIG: written('tables: [from_variable]') };
  expect(loadConfig(undefined, {}, variables).tables[0]?.name).toBe('from_variable');
  const named = written('tables: [from_command_line]');
  expect(loadConfig(named, {}, variables).tables[0]?.name).toBe('from_command_line');
});

test.each(['a: [', 'a: 1\na: 2', '\t- x', '- account', 'just text'])('the file %j is refused', (yaml) => {
  expect(problemsOf(yaml).length).toBeGreaterThan(0);
});

test.each([
  [
    'an alias',
    'postgres: { url: *hunter2 }',
    /put a value that begins with \* in quotes \(line 1, column 18\)/,
  ],
  ['a tag', 'postgres: { url: !u!hunter2 x }', /line 1, column 18/],
  ['a tag that a pattern makes', 'tables:\n  - !hunter2_*', /begins with ! in quotes \(line 2, column 5\)/],
  ['a block', 'postgres:\n  url: |hunter2\n    x', /unexpected token \(line 2, column 9\)/],
  ['an escape', String.raw`postgres: { url: "\hunter2" }`, /escapes nothing.*\(line 1, column 19\)/],
  ['an open quote', 'postgres:\n  url: "hunter2: x\n- y', /closing quote.*\(line 2, column 8\)/],
])('a file that is not YAML is refused without quoting it, for example %s', (_, yaml, message) => {
  const told = problemsOf(yaml).map(describeProblem).join('\n');
  expect(told).toMatch(message);
  expect(told).not.toContain('unter2');
});

test.each([
  ['schedule: */5 * * * *\ntables: [account]', [1]],
  ['limits:\n\tpageSize: 5\n\tconcurrency: 3', [2, 3]],
  ['dataverse:\n  url: https://x\n auth: default', [3]],
  ['tables:\n  - account\n  contact\nschedule: x', [3]],
  ["schedule: a: b\ntables: [x\nlease: 'bar", [1, 3]],
  ["schedule: '*/5 * * * *\ntables:\n  - account\n  - contact", [1]],
  ['tables: [a]\nlimits: {}\ntables: [b]', [3]],
])('a mistake in YAML is told once, with its line: %j', (yaml, lines) => {
  expect(problemsOf(yaml).map(({ line }) => line)).toEqual(lines);
});

test.each([
  ['Tables: [account]', 'Tables: is not a known key (line 1, column 1). Did you mean tables?'],
  [
    'dataverse:\n  URL: https://x',
    'dataverse.URL: is not a known key (line 2, column 3). Did you mean dataverse.url?',
  ],
  [
    'limits: { pagesize: 5 }',
    'limits.pagesize: is not a known key (line 1, column 11). Did you mean limits.pageSize?',
  ],
  ['pageSize: 5', 'pageSize: is not a known key (line 1, column 1). Did you mean limits.pageSize?'],
  [
    'limits.pageSize: 5',
    'limits.pageSize: is not a known key (line 1, column 1). Did you mean limits.pageSize?',
  ],
  [
    'tables:\n  - name: a\n    colums: {}',
    'tables.0.colums of table a: is not a known key (line 3, column 5). Did you mean tables.0.columns?',
  ],
  [
    'labels: { langauge: 1033 }',
    'labels.langauge: is not a known key (line 1, column 11). Did you mean labels.language?',
  ],
  ['colour: blue', 'colour: is not a known key (line 1, column 1)'],
])('an unknown key has its place and the key that was meant: %j', (yaml, told) => {
  expect(problemsOf(yaml).map(describeProblem)).toEqual([told]);
});

test('a value under a mistyped key is not missing too, and a key that is missing has no place', () => {
  const yaml = 'dataverse: { URL: https://x }\npostgres: { url: embeded }\nTables: [account]';
  const needs = { postgres: true, tables: true };
  expect(problemsOf(yaml, {}, needs).map(describeProblem)).toEqual([
    'dataverse.URL: is not a known key (line 1, column 14). Did you mean dataverse.url?',
    'postgres.url: must be an address like postgres://user@host/database, or `embedded` (line 2, column 13). Did you mean embedded?',
    'Tables: is not a known key (line 3, column 1). Did you mean tables?',
  ]);
  expect(problemsOf('postgres: { schema: crm }', {}, { postgres: true })).toEqual([
    {
      key: 'postgres.url',
      message: 'is missing; set it or DATABASE_URL, or write `embedded`',
      isMissing: true,
    },
  ]);
  expect(problemsOf('tables: [a, { schedule: adaptive }]')[0]).toMatchObject({ line: 1, column: 13 });
});

test('a wrong value has the place of its key, and the variable that it came from', () => {
  const yaml =
    "lease: 1ms\nlimits:\n  pageSize: '${SIZE}'\n  concurrency: 0\ntables:\n  - contact\n  - { name: account, schedule: never }";
  const problems = problemsOf(yaml, {
    SIZE: '9000',
    MIRRORVERSE_CONCURRENCY: 'many',
    MIRRORVERSE_TABLES: 'account',
  });
  expect(problems.map(describeProblem).toSorted()).toEqual([
    'MIRRORVERSE_CONCURRENCY (limits.concurrency): must be a number',
    'lease: must be at least 1s (line 1, column 1)',
    'limits.pageSize: must be at most 5000; the value comes from SIZE (line 3, column 3)',
    'tables.0.schedule of table account: must be a cron expression of 5 fields (or 6 with seconds), or the word adaptive (line 7, column 22)',
  ]);
});

test.each(['* * * * *', '*/5 * * * *', '*/5 * * * * *', '0 3 * * 1-5', '  0 3 * * 1 '])(
  'the schedule %j is accepted',
  (schedule) => {
    expect(load(`schedule: '${schedule}'\ntables: [a]`).tables[0]?.schedule).toBe(schedule);
  },
);

test.each(['* * * *', '* * * * * * *', '61 * * * *', 'every minute', '@hourly', '', '* * * * mo-'])(
  'the schedule %j is refused',
  (schedule) => {
    expect(keysOf(problemsOf(`schedule: '${schedule}'`))).toEqual(['schedule']);
    expect(keysOf(problemsOf(`tables: [{ name: a, schedule: '${schedule}' }]`))).toEqual([
      'tables.0.schedule',
    ]);
  },
);

test.each([
  'https://contoso.crm.dynamics.com',
  'https://contoso.crm.dynamics.com/',
  'https://contoso.crm4.dynamics.com:8443',
  'http://localhost:8080',
  'http://127.0.0.1:8080',
  'http://127.8.9.10',
  'http://[::1]:8080',
])('the environment %s is accepted', (url) => {
  expect(load(`dataverse: { url: '${url}' }`).dataverse?.url).toBe(url);
});

test.each([
  'http://contoso.crm.dynamics.com',
  'http://10.0.0.1',
  'http://127.0.0.1.evil.example',
  'http://localhost.evil.example',
  'http://128.0.0.1',
  'http://0.0.0.0',
  'http://[::2]',
  'ftp://contoso.crm.dynamics.com',
  'contoso.crm.dynamics.com',
  'https://user:password@contoso.crm.dynamics.com',
  'https://contoso.crm.dynamics.com/api/data/v9.2',
  'https://contoso.crm.dynamics.com/?x=1',
  'https://contoso.crm.dynamics.com/#x',
  '',
])('the environment %j is refused', (url) => {
  expect(keysOf(problemsOf(`dataverse: { url: '${url}' }`))).toEqual(['dataverse.url']);
});
