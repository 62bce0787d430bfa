import { expect, test } from 'vitest';
import { keysOf, load, problemsOf } from './config-directory.ts';

test.each([
  ['tables: account', 'tables'],
  ['tables: [7]', 'tables.0'],
  ['tables: [""]', 'tables.0'],
  ['tables: [{ schedule: "* * * * *" }]', 'tables.0.name'],
  ['tables: [a, a]', 'tables.1'],
  ['tables: [a, { name: a }]', 'tables.1'],
  ['tables: [{ name: a, deletes: no }]', 'tables.0.deletes'],
  ...['0', '1', '1.5', '-4', '257', 'many', '"16"', 'true', 'null'].map((count) => [
    `tables: [{ name: a, partition: ${count} }]`,
    'tables.0.partition',
  ]),
  ['partition: 16', 'partition'],
  ['postgres: { distribution: shards }', 'postgres.distribution'],
  ['deletes: maybe', 'deletes'],
  ['dataverse: { auth: password }', 'dataverse.auth'],
  ['dataverse: 7', 'dataverse'],
  ['limits: { concurrency: 1.5 }', 'limits.concurrency'],
  ['limits: { concurrency: many }', 'limits.concurrency'],
  ['limits: { requestsPer5Minutes: 0 }', 'limits.requestsPer5Minutes'],
  ['limits: { pageSize: 5001 }', 'limits.pageSize'],
  ['limits: { requestTimeout: 5 }', 'limits.requestTimeout'],
  ['limits: { pageBytes: 64 }', 'limits.pageBytes'],
  ['limits: { pageBytes: 64MB }', 'limits.pageBytes'],
  ['limits: { pageBytes: 63KiB }', 'limits.pageBytes'],
  ['limits: { pageBytes: 1GiB, memory: 2GiB }', 'limits.pageBytes'],
  ['limits: { memory: 63MiB }', 'limits.memory'],
  ['health: { port: 65536 }', 'health.port'],
  ['lease: fast', 'lease'],
  ['lease: 999ms', 'lease'],
  ['postgres: { schema: "" }', 'postgres.schema'],
  [`postgres: { schema: ${'\u00e9'.repeat(32)} }`, 'postgres.schema'],
  ['postgres: { schema: a, stateSchema: a }', 'postgres.stateSchema'],
  ['postgres: { url: mysql://db/crm }', 'postgres.url'],
  ['postgres: { url: crm }', 'postgres.url'],
  ['postgres: { url: "postgres://db/crm?sslmode=no-verify" }', 'postgres.url'],
  ['postgres: { url: "postgres://db/crm?sslmode=verify-ca" }', 'postgres.url'],
  ['postgres: { url: "postgres://db/crm?sslcrl=/crl.pem" }', 'postgres.url'],
  ['sweep: { maxShare: 1.5 }', 'sweep.maxShare'],
  ['sweep: { maxShare: half }', 'sweep.maxShare'],
  ['sweep: { atLeast: -1 }', 'sweep.atLeast'],
  ['sweep: { atMost: 1 }', 'sweep.atMost'],
])('the setting %s is refused by its key', (yaml, key) => {
  expect(keysOf(problemsOf(yaml))).toEqual([key]);
});

const ADDRESSES = [
  'postgres://mirror@db/crm',
  'postgresql://db',
  'embedded',
  'postgres://db/crm?sslmode=require',
  'postgres://u@[::1]/crm?sslmode=prefer&sslrootcert=system',
  'postgres:///crm?host=/var/run/postgresql&sslmode=verify-ca',
  'postgres://%2Fvar%2Frun%2Fpostgresql/crm?sslmode=verify-ca',
];

test('a mirror that is distributed has no feed, no history and no partitions, and each such key is named', () => {
  const citus = 'postgres: { distribution: citus }\n';
  expect(load(`${citus}feed: false\ntables: [{ name: a, history: false }]`).distribution).toBe('citus');
  const yaml = `${citus}feed: true\nhistory: true\ntables: [a, { name: b, partition: 4, feed: true }]`;
  expect(keysOf(problemsOf(yaml)).toSorted()).toEqual([
    'feed',
    'history',
    'tables.1.feed',
    'tables.1.partition',
  ]);
});

test('a table has partitions if its own entry says so', () => {
  const { tables } = load('tables: [a, { name: b, partition: 2 }, { name: c, partition: 256 }]');
  expect(tables.map(({ partitions }) => partitions)).toEqual([undefined, 2, 256]);
});

test.each(ADDRESSES)('the PostgreSQL address %s is accepted', (url) => {
  expect(load(`postgres: { url: "${url}" }`).postgres).toEqual({ url });
});

test('the schemas of views need different names', () => {
  const problems = problemsOf(
    'postgres: { schema: crm }\nlabels: { schema: crm }\ncompatibility: { synapseLink: mirrorverse, fivetran: mirrorverse }',
  );
  expect(keysOf(problems)).toEqual(['compatibility.fivetran', 'compatibility.synapseLink', 'labels.schema']);
});

test.each([
  ['labels: true', 'labels', 'must be false, or a mapping'],
  ['labels: [1033]', 'labels', 'must be false, or a mapping'],
  ['labels: { schema: true }', 'labels.schema', 'must be the name of a schema, or false'],
  ['labels: { languages: 1033 }', 'labels.languages', 'not a known key'],
  ['tables: [7]', 'tables.0', 'must be the name of a table, or a mapping'],
])('a value of the wrong kind is reported with what the key accepts: %s', (yaml, key, message) => {
  const problems = problemsOf(yaml);
  expect(keysOf(problems)).toEqual([key]);
  expect(problems[0]?.message).toContain(message);
});

test('a number may come from a variable wherever a number is expected', () => {
  const yaml = `
labels: { language: '\${NUMBER}' }
limits: { pageSize: '\${NUMBER}' }
quarantine: { maxShare: '\${SHARE}' }
sweep: { maxShare: '\${SHARE}', atLeast: '\${NUMBER}' }`;
  const config = load(yaml, { NUMBER: '1031', SHARE: '0.25' });
  expect(config).toMatchObject({
    labels: { language: 1031 },
    limits: { pageSize: 1031 },
    quarantine: { maxShare: 0.25 },
    sweep: { maxShare: 0.25, atLeast: 1031 },
  });
});

test('the view stringmap may stand among the mirror tables, where dbt packages look for it', () => {
  const config = load('compatibility: { fivetran: dataverse }');
  expect(config.compatibility.fivetran).toBe('dataverse');
});

test('views of other shapes need the labels', () => {
  const problems = problemsOf('labels: false\ncompatibility: { fivetran: fivetran }');
  expect(keysOf(problems)).toEqual(['compatibility.fivetran']);
});

test('the key for hashing must be long enough not to be guessed', () => {
  const hashing = 'tables: [{ name: contact, columns: { hash: [emailaddress1] } }]';
  expect(keysOf(problemsOf(hashing, {}, { tables: true }))).toEqual(['MIRRORVERSE_HASH_KEY']);
  // A command that reads no rows, such as status, hashes nothing.
  expect(load(hashing).hashKey).toBeUndefined();
  expect(keysOf(problemsOf(hashing, { MIRRORVERSE_HASH_KEY: 'short' }))).toEqual(['MIRRORVERSE_HASH_KEY']);
  expect(load(hashing, { MIRRORVERSE_HASH_KEY: '0123456789abcdef' }).hashKey).toBe('0123456789abcdef');
});

test('a value of another kind is described in the words of the file', () => {
  const problems = problemsOf('lease: 5\nlabels: { language: german }\ntables: { account: true }');
  expect(problems.map(({ key, message }) => `${key} ${message}`).toSorted()).toEqual([
    'labels.language must be a number',
    'lease must be a duration like 30s',
    'tables must be a list',
  ]);
});

test.each([
  ['limits: { memory: 256 }', 'must be a size like 64MiB'],
  ['limits: { requestTimeout: 120 }', 'must be a duration like 120s'],
  ['limits: { tables: 0 }', 'must be at least 1'],
  ['limits: { pageSize: 5001 }', 'must be at most 5000'],
  ['sweep: { maxShare: 1.5 }', 'must be at most 1'],
  ['deletes: both', 'must be one of hard, soft'],
  ['postgres: { url: 5432 }', 'must be text; write it in quotes'],
  ['postgres: { schema: "" }', 'is empty'],
])('the message about %s says what is wrong: it %s', (yaml, message) => {
  expect(problemsOf(yaml).map((problem) => problem.message)).toEqual([message]);
});

test('a table says whether it has a history, and how long ended records stay', () => {
  const { tables } = load(
    'history: { keep: 30d }\ntables: [a, { name: b, history: false }, { name: c, history: { keep: 1d } }, { name: d, history: true }]',
  );
  const month = { keep: 30 * 86_400_000 };
  expect(tables.map(({ history }) => history)).toEqual([month, undefined, { keep: 86_400_000 }, month]);
  expect(load('tables: [a, { name: b, history: true }]').tables).toMatchObject([{}, { history: {} }]);
  expect(load('tables: [a]').tables[0]).not.toHaveProperty('history');
  expect(keysOf(problemsOf('history: true\ntables: [{ name: a, history: { keep: 0s } }]'))).toEqual([
    'tables.0.history.keep',
  ]);
  expect(keysOf(problemsOf('history: true\npostgres: { stateSchema: dataverse_history }'))).toEqual([
    'history',
  ]);
});

test('a table says what the change log has of it, and the longest time holds for the whole log', () => {
  const config = load(
    'feed: { keep: 3d, baseline: rows }\ntables: [a, { name: b, feed: false }, { name: c, feed: { keep: 240h } }, { name: d, feed: { baseline: marker } }]',
  );
  expect(config.feed).toEqual({ keep: 864_000_000 });
  expect(config.tables.map(({ feed }) => feed)).toEqual(['rows', 'off', 'rows', 'marker']);
  expect(load('feed: true\ntables: [a]')).toMatchObject({
    feed: { keep: 604_800_000 },
    tables: [{ feed: 'marker' }],
  });
  expect(load('feed: false\ntables: [a]').feed).toBeUndefined();
  expect(keysOf(problemsOf('feed: { keep: 0d }'))).toEqual(['feed.keep']);
});
