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
  ['deletes: maybe', 'deletes'],
  ['dataverse: { auth: password }', 'dataverse.auth'],
  ['dataverse: 7', 'dataverse'],
  ['limits: { concurrency: 1.5 }', 'limits.concurrency'],
  ['limits: { concurrency: many }', 'limits.concurrency'],
  ['limits: { requestsPer5Minutes: 0 }', 'limits.requestsPer5Minutes'],
  ['limits: { pageSize: 5001 }', 'limits.pageSize'],
  ['limits: { requestTimeout: 5 }', 'limits.requestTimeout'],
  ['health: { port: 65536 }', 'health.port'],
  ['lease: fast', 'lease'],
  ['lease: 999ms', 'lease'],
  ['postgres: { schema: "" }', 'postgres.schema'],
  [`postgres: { schema: ${'\u00e9'.repeat(32)} }`, 'postgres.schema'],
  ['postgres: { schema: a, stateSchema: a }', 'postgres.stateSchema'],
  ['postgres: { url: mysql://db/crm }', 'postgres.url'],
  ['postgres: { url: crm }', 'postgres.url'],
])('%s is refused by its key', (yaml, key) => {
  expect(keysOf(problemsOf(yaml))).toEqual([key]);
});

test.each(['postgres://mirror@db/crm', 'postgresql://db', 'embedded'])(
  'the PostgreSQL address %s is accepted',
  (url) => {
    expect(load(`postgres: { url: "${url}" }`).postgres).toEqual({ url });
  },
);
