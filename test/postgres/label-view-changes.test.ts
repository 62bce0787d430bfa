import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dropViews, type DroppedViews } from '../../src/mirror/views/drop-views.ts';
import { transaction } from '../../src/mirror/connection/postgres.ts';
import type { ColumnType } from '../../src/model/table.ts';
import { freshRole } from '../support/database.ts';
import { id } from '../support/hand-made.ts';
import { choice, columnLabels, tableLabels } from '../support/hand-made-labels.ts';
import { LabeledMirror, polymorphic, tableOf } from '../support/labeled-mirror.ts';
import { testMirror } from '../support/mirror.ts';

const VIEW = 'dataverse_labeled.account';

const COLUMNS = [
  ['name', 'text'],
  ['amount', 'integer'],
  ['industrycode', 'integer'],
] as const;
const LABELS = tableLabels('account', {
  columns: [columnLabels('name', 'StringType'), columnLabels('amount', 'IntegerType')],
  choices: [choice('industrycode', 'picklist', { 1: { 1033: 'Accounting' } })],
});
/** The amount is a choice now, so that a column comes in the middle of the view. */
const AMOUNT_CHOSEN = tableLabels('account', {
  columns: LABELS.columns.filter(({ name }) => name === 'name'),
  choices: [...LABELS.choices, choice('amount', 'picklist', { 4: { 1033: 'Four' } })],
});
const CONTACT = tableOf('contact', polymorphic('parentid', ['account', 'contact']));
const CONTACT_LABELS = tableLabels('contact', {
  lookups: [['parentid', ['account', 'accountid', 'name'], ['contact', 'contactid', null]]],
});

type ColumnsOf = readonly (readonly [string, ColumnType])[];

type Query = (sql: string) => Promise<Record<string, unknown>[]>;

async function accounts(
  columns: ColumnsOf = COLUMNS,
): Promise<{ labeled: LabeledMirror; query: Query } & AsyncDisposable> {
  const test = await testMirror();
  const labeled = new LabeledMirror(test);
  await labeled.prepare(tableOf('account', columns));
  await labeled.label(LABELS);
  await labeled.refresh('account');
  const query: Query = async (sql) => test.database.query(sql);
  return { labeled, query, [Symbol.asyncDispose]: async () => test[Symbol.asyncDispose]() };
}

const drop = async ({ test }: LabeledMirror, columns?: readonly string[]): Promise<DroppedViews> =>
  transaction(test.mirror.pool, async (client) =>
    dropViews(client, {
      schema: 'dataverse',
      table: 'account',
      ...(columns === undefined ? {} : { columns }),
    }),
  );

describe('a view with labels', () => {
  it('a view with labels that nothing depends on has its columns in order again when a column comes', async () => {
    await using bench = await accounts(COLUMNS.slice(0, 2));
    await bench.labeled.prepare(tableOf('account', COLUMNS));
    expect((await bench.labeled.refresh('account')).changed).toEqual([VIEW]);
    expect(await bench.labeled.shape(VIEW)).toEqual([
      'accountid uuid',
      'versionnumber bigint',
      'name text',
      'amount integer',
      '_mirrored_at timestamp with time zone',
      'industrycode integer',
      'industrycode_label text',
    ]);
  });

  it('a view with labels keeps the views that depend on it, and gets new columns at its end', async () => {
    await using bench = await accounts();
    await bench.query(`CREATE VIEW public.mine AS SELECT * FROM ${VIEW}`);
    const before = await bench.labeled.shape(VIEW);
    await bench.query('ALTER TABLE dataverse.account ADD COLUMN extra text');
    await bench.labeled.label(AMOUNT_CHOSEN);
    expect((await bench.labeled.refresh('account')).left).toEqual([]);
    expect(await bench.labeled.shape(VIEW)).toEqual([...before, 'amount_label text', 'extra text']);
    expect(await bench.query('SELECT * FROM public.mine')).toEqual([]);
    await bench.query('DROP VIEW public.mine');
    await bench.labeled.refresh('account');
    expect((await bench.labeled.shape(VIEW)).indexOf('amount_label text')).toBe(4);
  });

  it('a view with labels lets a column change its type once the view is dropped, and comes back with it', async () => {
    await using bench = await accounts();
    expect(await drop(bench.labeled, ['industrycode', 'amount'])).toEqual({ dropped: [VIEW], foreign: [] });
    await bench.labeled.prepare(tableOf('account', [COLUMNS[0], ['amount', 'numeric'], COLUMNS[2]]));
    expect((await bench.labeled.refresh('account')).changed).toEqual([VIEW]);
    expect(await bench.labeled.shape(VIEW)).toContain('amount numeric');
  });

  it('a view with labels of another table is dropped too if its names come from the column that changes', async () => {
    await using bench = await accounts();
    await bench.labeled.prepare(CONTACT);
    await bench.labeled.label(CONTACT_LABELS);
    await bench.labeled.refresh('contact');
    expect(await drop(bench.labeled, ['amount'])).toEqual({ dropped: [VIEW], foreign: [] });
    await bench.labeled.refresh('account');
    const { dropped } = await drop(bench.labeled, ['name']);
    expect(dropped.toSorted()).toEqual([VIEW, 'dataverse_labeled.contact']);
    expect((await bench.labeled.refresh('account')).changed).toEqual([VIEW, 'dataverse_labeled.contact']);
  });

  it('a view with labels is left where a type changed all the same, and its dependents are named', async () => {
    await using bench = await accounts();
    await bench.query(`CREATE VIEW public.mine AS SELECT amount FROM ${VIEW}`);
    expect(await drop(bench.labeled, ['amount'])).toEqual({ dropped: [], foreign: ['public.mine'] });
    await bench.query('ALTER TABLE dataverse.account RENAME COLUMN amount TO amount_20261121');
    await bench.query('ALTER TABLE dataverse.account ADD COLUMN amount text');
    expect(await bench.labeled.refresh('account')).toEqual({
      changed: [],
      left: [{ view: VIEW, reason: 'depended-on', dependents: ['public.mine'] }],
    });
    expect(await bench.query('SELECT * FROM public.mine')).toEqual([]);
  });

  it('a view with labels is not dropped where a view of another owner on the mirror table stands in the way', async () => {
    await using bench = await accounts();
    await bench.query('CREATE VIEW public.mine AS SELECT amount FROM dataverse.account');
    expect(await drop(bench.labeled, ['amount'])).toEqual({ dropped: [], foreign: ['public.mine'] });
    expect(await drop(bench.labeled, ['name'])).toEqual({ dropped: [VIEW], foreign: [] });
  });

  it('a view with labels never takes the name of something that mirrorverse did not make', async () => {
    await using bench = await accounts();
    await bench.query('DROP VIEW dataverse_labeled.account');
    await bench.query(`DELETE FROM dataverse._views`);
    await bench.query('CREATE TABLE dataverse_labeled.account (mine text)');
    expect((await bench.labeled.refresh('account')).left).toMatchObject([{ reason: 'name-taken' }]);
    await bench.query('DROP TABLE dataverse_labeled.account');
    await bench.query('CREATE VIEW dataverse_labeled.account AS SELECT 1 AS mine');
    expect((await bench.labeled.refresh('account')).left).toMatchObject([{ reason: 'name-taken' }]);
    expect(await bench.labeled.shape(VIEW)).toEqual(['mine integer']);
  });

  it('a reader who has read the table and goes on to its view is not ended by the dropping of that view', async () => {
    await using bench = await accounts();
    const client = await bench.labeled.test.database.pool.connect();
    try {
      await client.query('BEGIN; SELECT FROM dataverse.account');
      const wider = COLUMNS.map(([name, type]) => [name, name === 'amount' ? 'bigint' : type] as const);
      const prepared = bench.labeled.prepare(tableOf('account', wider)).catch((error: unknown) => error);
      // Past deadlock_timeout it would be the reader whom PostgreSQL finds to be in the way.
      await sleep(1_300);
      await client.query(`SELECT FROM ${VIEW}`);
      // It is tried again some times while the reader reads on.
      expect(await prepared).toMatchObject({ reaction: 'retry', details: { sqlstate: '55P03' } });
      await client.query('COMMIT');
    } finally {
      client.release(true);
    }
    expect(await bench.labeled.shape(VIEW)).toContain('amount integer');
  });

  it('a view that somebody is reading does not keep the other views from being made', async () => {
    await using bench = await accounts();
    await bench.labeled.prepare(CONTACT);
    await bench.labeled.label(CONTACT_LABELS);
    const client = await bench.labeled.test.database.pool.connect();
    try {
      await client.query(`BEGIN; LOCK TABLE ${VIEW} IN ACCESS SHARE MODE`);
      bench.labeled.languages = { preferred: 1031, base: 1033 };
      expect(await bench.labeled.refresh('account', 'contact')).toEqual({
        changed: ['dataverse_labeled.contact'],
        left: [{ view: VIEW, reason: 'in-use', dependents: [], sqlstate: '55P03' }],
      });
    } finally {
      client.release(true);
    }
    expect((await bench.labeled.refresh('account')).changed).toEqual([VIEW]);
  });
});

/** Who beside the owner may do what with the view. */
async function privileges(bench: { query: Query }): Promise<unknown> {
  return bench.query(
    `SELECT coalesce(r.rolname, 'public') AS role, privilege_type, is_grantable
       FROM pg_class c, aclexplode(c.relacl) x LEFT JOIN pg_roles r ON r.oid = x.grantee
      WHERE c.oid = '${VIEW}'::regclass AND x.grantee <> c.relowner AND coalesce(r.rolname, '') <> 'pg_monitor'
      ORDER BY 1, 2`,
  );
}

describe('privileges on a view', () => {
  it('privileges on a view outlive its replacement and its being dropped and created', async () => {
    await using bench = await accounts();
    await bench.query(`GRANT SELECT ON ${VIEW} TO pg_read_all_data WITH GRANT OPTION`);
    await bench.query(`GRANT SELECT (name) ON ${VIEW} TO PUBLIC`);
    await bench.query(`ALTER VIEW ${VIEW} SET (security_barrier = true)`);
    // What new views are given is not what this one had.
    await bench.query(
      'ALTER DEFAULT PRIVILEGES IN SCHEMA dataverse_labeled GRANT SELECT ON TABLES TO pg_monitor',
    );
    const before = await privileges(bench);
    expect(before).toHaveLength(1);
    const facts = async (): Promise<unknown> =>
      bench.query(
        `SELECT reloptions, has_table_privilege('pg_monitor', oid, 'SELECT') AS others,
                (SELECT attacl::text FROM pg_attribute WHERE attrelid = c.oid AND attname = 'name') AS acl
           FROM pg_class c WHERE oid = '${VIEW}'::regclass`,
      );
    const known = await facts();
    expect(known).toMatchObject([{ reloptions: ['security_barrier=true'], others: false }]);

    bench.labeled.languages = { preferred: 1031, base: 1033 };
    expect((await bench.labeled.refresh('account')).changed).toEqual([VIEW]);
    expect([await privileges(bench), await facts()]).toEqual([before, known]);

    const oid = async (): Promise<unknown> => bench.query(`SELECT '${VIEW}'::regclass::oid`);
    const replaced = await oid();
    await bench.labeled.label(AMOUNT_CHOSEN);
    expect((await bench.labeled.refresh('account')).changed).toEqual([VIEW]);
    expect(await oid()).not.toEqual(replaced);
    expect([await privileges(bench), await facts()]).toEqual([before, known]);
  });

  it('privileges on a view come back with a view that was dropped for a change of its table', async () => {
    await using bench = await accounts();
    await bench.query(`GRANT SELECT ON ${VIEW} TO pg_read_all_data`);
    await bench.query(`ALTER VIEW ${VIEW} SET (security_invoker = true)`);
    const before = await privileges(bench);
    await drop(bench.labeled);
    await bench.labeled.refresh('account');
    expect(await privileges(bench)).toEqual(before);
    expect(await bench.query(`SELECT reloptions FROM pg_class WHERE oid = '${VIEW}'::regclass`)).toEqual([
      { reloptions: ['security_invoker=true'] },
    ]);
  });

  it('privileges on a view are not given to a role that is gone meanwhile', async () => {
    await using bench = await accounts();
    await using role = await freshRole(bench.labeled.test.database);
    await bench.query(`GRANT SELECT ON ${VIEW} TO ${role.name}`);
    await drop(bench.labeled);
    await role.drop();
    expect(await bench.labeled.refresh('account')).toEqual({ changed: [VIEW], left: [] });
    expect(await privileges(bench)).toEqual([]);
  });
});

describe('hostile names and labels', () => {
  it('hostile names and labels are names and labels in a view, and nothing else', async () => {
    const hostile = fc.oneof(
      fc.constantFrom(
        '"; drop table x; --',
        "a'b",
        'a"b',
        '\\',
        "E'\\'",
        '$1',
        'ß'.repeat(60),
        'x'.repeat(63),
      ),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 70 }),
    );
    const name = hostile.map((text) => `x${text.replaceAll('\0', '').toWellFormed()}`);
    await using test = await testMirror();
    const labeled = new LabeledMirror(test);
    let number = 0;
    await fc.assert(
      fc.asyncProperty(name, name, name, hostile, async (suffix, choiceName, lookupName, label) => {
        fc.pre(new Set([choiceName, lookupName]).size === 2);
        const table = `t${number++}${suffix}`;
        const key = `${table}id`;
        const columns: ColumnsOf = [
          [choiceName, 'integer'],
          [lookupName, 'uuid'],
          [`${choiceName}_label`, 'integer'],
        ];
        fc.pre(new Set(columns.map(([column]) => column)).size === 3);
        await labeled.prepare(tableOf(table, columns));
        await labeled.label(
          tableLabels(table, {
            columns: [columnLabels(`${choiceName}_label`, 'IntegerType')],
            choices: [choice(choiceName, 'picklist', { 7: { 1033: label } })],
            lookups: [[lookupName, [table, key, key]]],
          }),
        );
        const report = await labeled.refresh(table);
        expect(report).toMatchObject({ changed: [expect.any(String)], left: [] });
        const view = await test.database.query<{ name: string; columns: string[] }>(
          `SELECT c.relname AS name, array_agg(quote_ident(a.attname) ORDER BY a.attnum) AS columns
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.oid = (SELECT max(oid) FROM pg_class WHERE relnamespace = 'dataverse_labeled'::regnamespace AND relkind = 'v')
            GROUP BY 1`,
        );
        const [found] = view;
        const [keyColumn, , choiceColumn, labelColumn, lookupColumn, nameColumn] = found?.columns ?? [];
        const quoted = `"${(found?.name ?? '').replaceAll('"', '""')}"`;
        await test.database.query(
          `INSERT INTO dataverse.${quoted} (${keyColumn}, ${choiceColumn}, ${lookupColumn}) VALUES ($1, 7, $1)`,
          [id(1)],
        );
        expect(
          await test.database.query(
            `SELECT ${labelColumn} AS label, ${nameColumn} AS name FROM dataverse_labeled.${quoted}`,
          ),
        ).toEqual([{ label: label.replaceAll('\0', '').toWellFormed(), name: id(1) }]);
      }),
      { numRuns: 40 },
    );
  });
});
