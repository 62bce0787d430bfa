import { expect, test } from 'vitest';
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
  ['an alias', 'postgres: { url: *hunter2 }', /put a value that begins with \* in quotes/],
  ['a tag', 'postgres: { url: !u!hunter2 x }', /at line 1, column 18/],
  ['a block', 'postgres:\n  url: |hunter2\n    x', /unexpected token at line 2, column/],
  ['an escape', String.raw`postgres: { url: "\hunter2" }`, /bad dq escape at line 1/],
  ['a line', 'postgres:\n  url: "hunter2: x\n- y', /at line \d/],
])('a file that is not YAML is refused without quoting it, for example %s', (_, yaml, message) => {
  const told = problemsOf(yaml)
    .map((problem) => problem.message)
    .join('\n');
  expect(told).toMatch(message);
  expect(told).not.toContain('unter2');
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
