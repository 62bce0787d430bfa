import { expect, test } from 'vitest';
import { planTable, type ExistingTable } from '../../src/mirror/ddl-plan.ts';
import { mirrorTable } from '../../src/mirror/mirror-table.ts';
import { failureOf } from './failing.ts';
import { column, sampleMirror, sampleTable } from './sample-table.ts';

const NAME = column('name', 'text', { displayName: 'Account Name', description: "The company's name" });
const mirror = mirrorTable(
  sampleTable([NAME, column('revenue', 'numeric')], { displayName: 'Account' }),
  'crm',
  false,
);

/** The table as PostgreSQL would describe it after the plan for it has run. */
function existing(
  changes: Record<string, { type?: string; comment?: string | null } | null> = {},
): ExistingTable {
  const columns = new Map<string, { type: string; comment: string | null }>([
    ['accountid', { type: 'uuid', comment: null }],
    ['versionnumber', { type: 'bigint', comment: null }],
    ['name', { type: 'text', comment: "Account Name: The company's name" }],
    ['revenue', { type: 'numeric', comment: null }],
    ['_mirrored_at', { type: 'timestamp with time zone', comment: null }],
  ]);
  for (const [name, change] of Object.entries(changes)) {
    if (change === null) columns.delete(name);
    else columns.set(name, { type: 'text', comment: null, ...columns.get(name), ...change });
  }
  return { comment: 'Account', columns };
}

test('a table that is not there is created with its key, its columns and its comments', () => {
  const { statements, added } = planTable(mirror, undefined);
  expect(added).toEqual([]);
  expect(statements).toEqual([
    `CREATE TABLE "crm"."account" (
  "accountid" uuid,
  "versionnumber" bigint,
  "name" text,
  "revenue" numeric,
  "_mirrored_at" timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY ("accountid")
)`,
    `COMMENT ON TABLE "crm"."account" IS 'Account'`,
    `COMMENT ON COLUMN "crm"."account"."name" IS 'Account Name: The company''s name'`,
  ]);
});

test('a table that is as it should be needs nothing', () => {
  expect(planTable(mirror, existing())).toEqual({ statements: [], added: [] });
});

test('a column that is not there is added with its comment', () => {
  const plan = planTable(mirror, existing({ name: null, revenue: null }));
  expect(plan.added.map(({ name }) => name)).toEqual(['name', 'revenue']);
  expect(plan.statements).toEqual([
    'ALTER TABLE "crm"."account" ADD COLUMN "name" text',
    'ALTER TABLE "crm"."account" ADD COLUMN "revenue" numeric',
    `COMMENT ON COLUMN "crm"."account"."name" IS 'Account Name: The company''s name'`,
  ]);
});

test('a comment is written only where its text has changed', () => {
  const plan = planTable(mirror, { ...existing({ name: { comment: 'Old' } }), comment: 'Accounts' });
  expect(plan.statements).toEqual([
    `COMMENT ON TABLE "crm"."account" IS 'Account'`,
    `COMMENT ON COLUMN "crm"."account"."name" IS 'Account Name: The company''s name'`,
  ]);
});

test('a comment that someone wrote on a column without a label stays', () => {
  expect(planTable(mirror, existing({ revenue: { comment: 'ours' } })).statements).toEqual([]);
});

test('a column that the source no longer has keeps its place and its values', () => {
  expect(planTable(mirror, existing({ fax: { type: 'text' } })).statements).toEqual([]);
});

test('a column of another type is drift, with the statement that mends it', () => {
  const failure = failureOf(() => planTable(mirror, existing({ revenue: { type: 'integer' }, name: null })));
  expect(failure).toMatchObject({ code: 'drift', reaction: 'stop-table' });
  expect(failure.message).toBe(
    `Column "crm"."account"."revenue" is integer, but the source's attribute revenue needs numeric.`,
  );
  expect(failure.remedy).toContain('ALTER TABLE "crm"."account" RENAME COLUMN "revenue" TO');
  expect(failure.details).toEqual({ table: 'account', column: 'revenue' });
});

test('soft deletes add a column to a new table and to one that is there', () => {
  const soft = sampleMirror([], true);
  expect(planTable(soft, undefined).statements[0]).toContain('\n  "_deleted_at" timestamptz,\n');
  expect(planTable(soft, existing()).statements).toEqual([
    'ALTER TABLE "dataverse"."account" ADD COLUMN "_deleted_at" timestamptz',
  ]);
  expect(planTable(soft, existing({ _deleted_at: { type: 'timestamp with time zone' } })).statements).toEqual(
    [],
  );
});

test('going back to hard deletes removes what was only marked, and the mark', () => {
  const plan = planTable(
    sampleMirror(),
    existing({ _deleted_at: { type: 'timestamp with time zone', comment: null } }),
  );
  expect(plan.statements).toEqual([
    'DELETE FROM "dataverse"."account" WHERE "_deleted_at" IS NOT NULL',
    'ALTER TABLE "dataverse"."account" DROP COLUMN "_deleted_at"',
  ]);
});
