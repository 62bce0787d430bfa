import { expect, test } from 'vitest';
import { z } from 'zod';
import { settingsSchema, VARIABLES } from '../../src/config/settings.ts';

interface Node {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: unknown;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly enum?: readonly string[];
}

const schema = z.toJSONSchema(settingsSchema) as Node;

/** Every object of the schema with its path. */
function objects(node: Node, path = ''): { path: string; node: Node }[] {
  const own = node.properties === undefined ? [] : [{ path, node }];
  const members = Object.entries(node.properties ?? {}).flatMap(([key, member]) =>
    objects(member, `${path}.${key}`),
  );
  const inner = [...(node.anyOf ?? []), ...(node.items === undefined ? [] : [node.items])];
  return [...own, ...members, ...inner.flatMap((one) => objects(one, path))];
}

test('the published schema refuses unknown keys at every level', () => {
  const found = objects(schema);
  expect(found.map(({ path }) => path)).toEqual([
    '',
    '.dataverse',
    '.postgres',
    '.feed',
    '.history',
    '.files',
    '.limits',
    '.labels',
    '.compatibility',
    '.drift',
    '.quarantine',
    '.sweep',
    '.verify',
    '.audit',
    '.webhooks',
    '.nudge',
    '.log',
    '.health',
    '.tables',
    '.tables.columns',
    '.tables.rows',
    '.tables.feed',
    '.tables.history',
  ]);
  for (const { node } of found) expect(node.additionalProperties).toBe(false);
});

test('the published schema names every documented key', () => {
  const keys = objects(schema).flatMap(({ path, node }) =>
    Object.keys(node.properties ?? {}).map((key) => `${path}.${key}`.slice(1)),
  );
  expect(keys).toEqual(
    expect.arrayContaining([
      'dataverse.url',
      'dataverse.auth',
      'postgres.url',
      'postgres.schema',
      'postgres.stateSchema',
      'schedule',
      'deletes',
      'lease',
      'limits.requestsPer5Minutes',
      'limits.concurrency',
      'limits.pageSize',
      'tables',
      'tables.name',
      'tables.schedule',
      'tables.columns',
      'tables.columns.exclude',
      'tables.deletes',
    ]),
  );
  for (const path of Object.values(VARIABLES)) expect(keys).toContain(path.join('.'));
});

test('the published schema names every way to sign in', () => {
  expect(schema.properties?.['dataverse']?.properties?.['auth']?.enum).toEqual([
    'default',
    'client-secret',
    'client-certificate',
    'workload-identity',
    'managed-identity',
    'azure-cli',
    'access-token',
    'device-code',
    'browser',
  ]);
});
