import { expect, test } from 'vitest';
import { assertAllowed, pendingChanges, planTable, type DdlPlan } from '../../src/mirror/table/ddl-plan.ts';
import {
  APPLY_ALL,
  type DriftPolicy,
  type ExistingColumn,
  type ExistingTable,
} from '../../src/mirror/table/drift.ts';
import { mirrorTable, type MirrorTable } from '../../src/mirror/table/mirror-table.ts';
import type { Column, ColumnType } from '../../src/model/table.ts';
import { failureOf } from './failing.ts';
import { column, sampleMirror, sampleTable } from './sample-table.ts';

const NAME = column('name', 'text', { displayName: 'Account Name', description: "The company's name" });
const mirror = mirrorTable(
  sampleTable([NAME, column('revenue', 'numeric')], { displayName: 'Account' }),
  'crm',
  false,
);

/** The table as PostgreSQL would describe it after the plan for it has run. */
function existing(changes: Record<string, Partial<ExistingColumn> | null> = {}): ExistingTable {
  const columns = new Map<string, ExistingColumn>([
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
  return { comment: 'Account', columns, slots: columns.size };
}

function plan(
  of: MirrorTable,
  there: ExistingTable | undefined,
  policy: Partial<DriftPolicy> = {},
  removed: readonly string[] = [],
): DdlPlan {
  return planTable(of, there, { policy: { ...APPLY_ALL, ...policy }, removed, day: '20261121' });
}

/** The account table with its column `revenue` of another type. */
const revenueAs = (type: ColumnType): MirrorTable =>
  mirrorTable(sampleTable([NAME, column('revenue', type)], { displayName: 'Account' }), 'crm', false);

test('a table that is not there is created with its key, its columns and its comments', () => {
  const { statements, changes, refills } = plan(mirror, undefined);
  expect(changes).toEqual([]);
  expect(refills).toBe(false);
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

const created = (columns: readonly Column[]): string | undefined =>
  plan(mirrorTable(sampleTable(columns), 'crm', false), undefined).statements[0];

test('a table of very many columns keeps its rows in one piece', () => {
  const columns = Array.from({ length: 99 }, (_, at) => column(`c${at}`, 'text'));
  expect(created(columns)).toMatch(/ WITH \(toast_tuple_target = 8160\)$/);
  expect(created(columns.slice(1))).toMatch(/\)$/);
  expect(created(columns.slice(1))).not.toMatch(/toast/);
});

test('a table that has its final shape needs no statement', () => {
  expect(plan(mirror, existing())).toMatchObject({ statements: [], changes: [], refills: false });
});

test('a column that is not there is added with its comment', () => {
  const added = plan(mirror, existing({ name: null, revenue: null }));
  expect(added.refills).toBe(true);
  expect(added.changes.map(({ kind }) => kind)).toEqual(['added', 'added']);
  expect(added.statements).toEqual([
    'ALTER TABLE "crm"."account" ADD COLUMN "name" text',
    'ALTER TABLE "crm"."account" ADD COLUMN "revenue" numeric',
    `COMMENT ON COLUMN "crm"."account"."name" IS 'Account Name: The company''s name'`,
  ]);
});

test('a comment is written only where its text has changed', () => {
  const { statements } = plan(mirror, { ...existing({ name: { comment: 'Old' } }), comment: 'Accounts' });
  expect(statements).toEqual([
    `COMMENT ON TABLE "crm"."account" IS 'Account'`,
    `COMMENT ON COLUMN "crm"."account"."name" IS 'Account Name: The company''s name'`,
  ]);
});

test('a comment that someone wrote on a column without a label stays', () => {
  expect(plan(mirror, existing({ revenue: { comment: 'ours' } })).statements).toEqual([]);
});

/** The account table with the ids of the source's attributes for its key and for `revenue`. */
const identified = (key: string | undefined, revenue: string | undefined): MirrorTable => {
  const { columns, ...table } = sampleTable([NAME, column('revenue', 'numeric')], { displayName: 'Account' });
  const ids: Readonly<Record<string, string | undefined>> = { accountid: key, revenue };
  const withIds = columns.map((each) => {
    const metadataId = ids[each.name];
    return metadataId === undefined ? each : { ...each, metadataId };
  });
  return mirrorTable({ ...table, columns: withIds }, 'crm', false);
};

test('a column that was removed and made again stays where it is, and its rows are read again', () => {
  const there = existing({ accountid: { metadataId: 'k' }, revenue: { metadataId: 'old' } });
  const remade = plan(identified('k', 'new'), there);
  expect(remade.changes).toMatchObject([{ kind: 'remade', column: { name: 'revenue' }, policy: 'apply' }]);
  expect(remade).toMatchObject({ statements: [], altered: [], refills: true });
  const asked = plan(identified('k', 'new'), there, { columnRetyped: 'ask' });
  expect(failureOf(() => assertAllowed(asked))).toMatchObject({ code: 'drift-unconfirmed' });
});

test.each([
  ['the source does not tell', undefined, { revenue: { metadataId: 'old' } }],
  ['nobody wrote it down', 'new', { revenue: { metadataId: null } }],
  [
    'the whole table was made anew',
    'new',
    { accountid: { metadataId: 'j' }, revenue: { metadataId: 'old' } },
  ],
  [
    'it was gone in between, and is read anew anyway',
    'new',
    { revenue: { metadataId: 'old', removed: true } },
  ],
])(
  'a column does not count as made again where %s',
  (_, revenue, changes: Parameters<typeof existing>[0]) => {
    expect(plan(identified('k', revenue), existing(changes)).changes).toEqual([]);
  },
);

test('a hashed column whose attribute was made again is hashed again', () => {
  const hashed = mirrorTable(sampleTable([column('name', 'hash', { metadataId: 'new' })]), 'crm', false);
  const there = existing({ name: { holds: 'hash', metadataId: 'old' } });
  expect(plan(hashed, there)).toMatchObject({ changes: [{ kind: 'remade' }], refills: true });
});

test('a column that the source no longer has keeps its place and its values', () => {
  expect(plan(mirror, existing({ fax: { type: 'text' } })).statements).toEqual([]);
});

test.each([
  ['integer', 'bigint', 'bigint'],
  ['integer', 'numeric', 'numeric'],
  ['bigint', 'numeric', 'numeric'],
  ['uuid', 'text', 'text'],
  ['timestamp with time zone', 'text', 'text'],
  ['integer[]', 'text', 'text'],
] as const)('a column of type %s becomes %s in place, and its rows are read again', (from, to, type) => {
  const widened = plan(revenueAs(to), existing({ revenue: { type: from } }));
  expect(widened.statements).toEqual([
    `ALTER TABLE "crm"."account" ALTER COLUMN "revenue" TYPE ${type} USING "revenue"::${type}`,
  ]);
  expect(widened.refills).toBe(true);
  expect(widened.altered).toEqual(['revenue']);
});

test.each([
  ['bigint', 'integer'],
  ['numeric', 'bigint'],
  ['text', 'uuid'],
  ['timestamp with time zone', 'date'],
  ['timestamp with time zone', 'timestamp'],
  ['double precision', 'numeric'],
] as const)('a column of type %s does not become %s: a new column stands beside the old one', (from, to) => {
  const replaced = plan(revenueAs(to), existing({ revenue: { type: from, comment: 'before' } }));
  expect(replaced.statements.slice(0, 3)).toEqual([
    'ALTER TABLE "crm"."account" RENAME COLUMN "revenue" TO "revenue_20261121"',
    expect.stringContaining('COMMENT ON COLUMN "crm"."account"."revenue_20261121" IS \'As it was until'),
    expect.stringMatching(/^ALTER TABLE "crm"\."account" ADD COLUMN "revenue" /),
  ]);
  expect(replaced.refills).toBe(true);
  expect(replaced.altered).toEqual([]);
});

test('a column replaced twice in a day keeps both of its former selves', () => {
  const again = plan(revenueAs('date'), existing({ revenue: { type: 'numeric' }, revenue_20261121: {} }));
  expect(again.statements[0]).toMatch(/RENAME COLUMN "revenue" TO "revenue_20261121_[0-9a-f]{8}"/);
});

test('a column made in place of another gets its comment, although the old one had the same', () => {
  const text = mirrorTable(
    sampleTable([column('revenue', 'date', { displayName: 'Revenue' })]),
    'crm',
    false,
  );
  const there = existing({ name: null, revenue: { comment: 'Revenue' } });
  expect(plan(text, { ...there, comment: null }).statements.at(-1)).toBe(
    `COMMENT ON COLUMN "crm"."account"."revenue" IS 'Revenue'`,
  );
});

test('a column that is hashed from now on loses its plain values', () => {
  const hashed = plan(revenueAs('hash'), existing({ revenue: { type: 'text', holds: 'text' } }));
  expect(hashed.statements).toEqual([
    'ALTER TABLE "crm"."account" DROP COLUMN "revenue"',
    'ALTER TABLE "crm"."account" ADD COLUMN "revenue" text',
  ]);
  expect(plan(revenueAs('hash'), existing({ revenue: { type: 'text', holds: 'hash' } })).changes).toEqual([]);
});

test('a column that is hashed from now on leaves no plain values in columns that were put aside before', () => {
  const aside = { type: 'numeric', holds: 'numeric', attribute: 'revenue', removed: true } as const;
  const hashed = plan(
    revenueAs('hash'),
    existing({ revenue: { type: 'text', holds: 'text' }, revenue_20251231: aside, fax: { removed: true } }),
  );
  expect(hashed.statements).toContain('ALTER TABLE "crm"."account" DROP COLUMN "revenue_20251231"');
  expect(hashed.statements.join()).not.toContain('fax');
});

test('the types of key and version never change', () => {
  const failure = failureOf(() => plan(mirror, existing({ versionnumber: { type: 'integer' } })));
  expect(failure).toMatchObject({ code: 'drift', reaction: 'stop-table' });
  expect(failure.message).toContain('Column "crm"."account"."versionnumber" is integer');
  expect(failure.remedy).toContain('ALTER TABLE "crm"."account" RENAME TO');
});

test('a new column that waits for a confirmation is left out and reported, and the rest goes on', () => {
  const asked = plan(mirror, existing({ revenue: null }), { columnAdded: 'ask' });
  expect(asked.statements).toEqual([]);
  expect(asked.refills).toBe(false);
  expect(asked.mirror.columns.map(({ name }) => name)).toEqual(['accountid', 'versionnumber', 'name']);
  expect(pendingChanges(asked)).toBe('column revenue (numeric) is new.');
  expect(() => assertAllowed(asked)).not.toThrow();
});

test('a new column that is refused is left out and not reported', () => {
  const refused = plan(mirror, existing({ revenue: null }), { columnAdded: 'refuse' });
  expect(refused.mirror.columns).toHaveLength(3);
  expect(pendingChanges(refused)).toBeNull();
});

test('a lookup that gets its second target keeps its column while the companion waits for a confirmation', () => {
  const lookup = column('parentid', 'uuid', { property: '_parentid_value' });
  const companion = column('parentid_entitytype', 'text', {
    attribute: 'parentid',
    property: '_parentid_value@Microsoft.Dynamics.CRM.lookuplogicalname',
    selectable: false,
  });
  const there = existing({ parentid: { type: 'uuid' }, revenue: null });
  const asked = plan(mirrorTable(sampleTable([NAME, lookup, companion]), 'crm', false), there, {
    columnAdded: 'ask',
  });
  expect(asked.mirror.columns.map(({ name }) => name)).toContain('parentid');
  expect(pendingChanges(asked)).toBe('column parentid_entitytype (text) is new.');
});

test('a change that waits or is refused changes nothing that labels and views would have to follow', () => {
  const there = existing({ revenue: null });
  expect(plan(mirror, there, { columnAdded: 'ask' }).reshapes).toBe(false);
  expect(plan(mirror, there, { columnAdded: 'refuse' }).reshapes).toBe(false);
  expect(plan(mirror, there).reshapes).toBe(true);
});

test.each([
  ['ask', 'drift-unconfirmed', '--apply'],
  ['refuse', 'drift-refused', 'drift'],
] as const)('a changed type under the policy %s stops the table as %s', (policy, code, remedy) => {
  const blocked = plan(revenueAs('date'), existing(), { columnRetyped: policy });
  expect(blocked.statements).toEqual([]);
  const failure = failureOf(() => assertAllowed(blocked));
  expect(failure).toMatchObject({ code, reaction: 'stop-table' });
  expect(failure.message).toContain('column revenue turns from numeric into date');
  expect(failure.remedy).toContain(remedy);
});

test('a column that is gone stops the table where the policy says so, and is otherwise only noted', () => {
  expect(plan(mirror, existing(), {}, ['fax'])).toMatchObject({ statements: [], refills: false });
  const asked = plan(mirror, existing(), { columnRemoved: 'ask' }, ['fax']);
  expect(failureOf(() => assertAllowed(asked)).message).toContain('column fax is gone at the source');
});

test('more than 1,600 columns are refused with the exclusion to set', () => {
  const many = Array.from({ length: 1_600 }, (_, at) => column(`c${at}`, 'integer'));
  const failure = failureOf(() => plan(sampleMirror(many), undefined));
  expect(failure).toMatchObject({ code: 'too-many-columns', reaction: 'stop-table' });
  expect(failure.remedy).toContain('columns.exclude of table account');
  const fits = Array.from({ length: 1_596 }, (_, at) => column(`c${at}`, 'integer'));
  expect(plan(sampleMirror(fits), undefined).statements).toHaveLength(1);
});

test('dropped columns count towards the limit', () => {
  const failure = failureOf(() => plan(mirror, { ...existing({ revenue: null }), slots: 1_600 }));
  expect(failure.code).toBe('too-many-columns');
});

test('soft deletes add a column to a new table and to one that is there', () => {
  const soft = sampleMirror([], true);
  expect(plan(soft, undefined).statements[0]).toContain('\n  "_deleted_at" timestamptz,\n');
  expect(plan(soft, existing()).statements).toEqual([
    'ALTER TABLE "dataverse"."account" ADD COLUMN "_deleted_at" timestamptz',
  ]);
  expect(plan(soft, existing({ _deleted_at: { type: 'timestamp with time zone' } })).statements).toEqual([]);
});

test('a change back to hard deletes removes the rows that were only marked, and the mark', () => {
  const { statements } = plan(
    sampleMirror(),
    existing({ _deleted_at: { type: 'timestamp with time zone', comment: null } }),
  );
  expect(statements).toEqual([
    'DELETE FROM "dataverse"."account" WHERE "_deleted_at" IS NOT NULL',
    'ALTER TABLE "dataverse"."account" DROP COLUMN "_deleted_at"',
  ]);
});
