import { describe, expect, it } from 'vitest';
import { id } from '../support/hand-made.ts';
import { choice, columnLabels, tableLabels } from '../support/hand-made-labels.ts';
import { LabeledMirror, polymorphic, tableOf } from '../support/labeled-mirror.ts';
import { testMirror } from '../support/mirror.ts';

const ACCOUNT = tableOf('account', [
  ['name', 'text'],
  ['industrycode', 'integer'],
  ['statecode', 'integer'],
  ['donotemail', 'boolean'],
  ['hobbies', 'integers'],
  ['parentaccountid', 'uuid'],
  ...polymorphic('ownerid', ['systemuser', 'team']),
]);

const YES_NO = { 0: { 1033: 'No', 1031: 'Nein' }, 1: { 1033: 'Yes', 1031: 'Ja' } };

const ACCOUNT_LABELS = tableLabels('account', {
  columns: [columnLabels('name', 'StringType')],
  choices: [
    choice('industrycode', 'picklist', {
      1: { 1033: 'Accounting', 1031: 'Buchhaltung' },
      2: { 1033: 'Mining' },
      3: { 1036: 'Commerce' },
    }),
    choice('statecode', 'state', { 0: { 1033: 'Active', 1031: 'Aktiv' } }),
    choice('donotemail', 'boolean', YES_NO),
    choice('hobbies', 'multiselect', { 1: { 1033: 'Chess' }, 2: { 1033: 'Rugby; Golf' } }),
  ],
  lookups: [
    ['parentaccountid', ['account', 'accountid', 'name']],
    ['ownerid', ['systemuser', 'systemuserid', 'fullname'], ['team', 'teamid', 'name']],
  ],
});

const USER = tableOf('systemuser', [['fullname', 'text']]);
const USER_LABELS = tableLabels('systemuser', { columns: [columnLabels('fullname', 'StringType')] });

const INSERT = `INSERT INTO dataverse.account
  (accountid, name, industrycode, statecode, donotemail, hobbies, parentaccountid, ownerid, ownerid_entitytype)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`;

/** SQL of a label that is looked up for one code; @param value SQL of the code. */
function labelByItself(column: string, value: string): string {
  return `(SELECT o.label FROM dataverse._choices AS o WHERE o.table_name = 'account' AND o.column_name = '${column}'
            AND o.value = ${value} ORDER BY o.language <> 1033, o.language LIMIT 1)`;
}

async function accounts(): Promise<{ labeled: LabeledMirror } & AsyncDisposable> {
  const test = await testMirror();
  const labeled = new LabeledMirror(test);
  await labeled.prepare(ACCOUNT);
  await labeled.label(ACCOUNT_LABELS);
  return { labeled, [Symbol.asyncDispose]: async () => test[Symbol.asyncDispose]() };
}

describe('a view with labels', () => {
  it('a view with labels has the columns of the mirror table in their order, labels and names right after their own', async () => {
    await using bench = await accounts();
    expect(await bench.labeled.refresh('account')).toEqual({
      changed: ['dataverse_labeled.account'],
      left: [],
    });
    expect(await bench.labeled.shape('dataverse_labeled.account')).toEqual([
      'accountid uuid',
      'versionnumber bigint',
      'name text',
      'industrycode integer',
      'industrycode_label text',
      'statecode integer',
      'statecode_label text',
      'donotemail boolean',
      'donotemail_label text',
      'hobbies integer[]',
      'hobbies_label text',
      'parentaccountid uuid',
      'parentaccountid_name text',
      'ownerid uuid',
      'ownerid_entitytype text',
      'ownerid_name text',
      '_mirrored_at timestamp with time zone',
    ]);
  });

  it('a view with labels shows labels of every kind of choice, and names of the rows that lookups point at', async () => {
    await using bench = await accounts();
    const { labeled } = bench;
    const { database } = labeled.test;
    await labeled.prepare(USER);
    await labeled.label(USER_LABELS);
    await labeled.refresh('account', 'systemuser');
    await database.query('INSERT INTO dataverse.systemuser (systemuserid, fullname) VALUES ($1, $2)', [
      id(9),
      'Ann',
    ]);
    await database.query(INSERT, [id(1), 'Parent', null, 0, null, null, null, id(9), 'systemuser']);
    await database.query(INSERT, [id(2), 'Child', 2, 7, true, [2, 1, 5], id(1), id(9), 'team']);
    expect(
      await database.query(
        `SELECT industrycode_label, statecode_label, donotemail_label, hobbies_label, parentaccountid_name, ownerid_name
           FROM dataverse_labeled.account ORDER BY accountid`,
      ),
    ).toEqual([
      {
        industrycode_label: null,
        statecode_label: 'Active',
        donotemail_label: null,
        hobbies_label: null,
        parentaccountid_name: null,
        ownerid_name: 'Ann',
      },
      {
        industrycode_label: 'Mining',
        statecode_label: null,
        donotemail_label: 'Yes',
        hobbies_label: 'Rugby; Golf; Chess; 5',
        parentaccountid_name: 'Parent',
        ownerid_name: null,
      },
    ]);
  });

  it('a view with labels speaks the language of the session, else the configured one, else the base language, else any', async () => {
    await using bench = await accounts();
    const { labeled } = bench;
    const { database } = labeled.test;
    await labeled.refresh('account');
    for (const value of [1, 2, 3]) {
      await database.query(INSERT, [id(value), 'x', value, null, null, null, null, null, null]);
    }
    const select = `SELECT industrycode_label AS label FROM dataverse_labeled.account ORDER BY accountid`;
    const read = async (language?: string): Promise<string[]> => {
      const client = await database.pool.connect();
      try {
        if (language !== undefined) {
          await client.query(`SELECT set_config('mirrorverse.language', $1, false)`, [language]);
        }
        return (await client.query<{ label: string }>(select)).rows.map(({ label }) => label);
      } finally {
        client.release(true);
      }
    };
    expect(await read()).toEqual(['Accounting', 'Mining', 'Commerce']);
    expect(await read('1031')).toEqual(['Buchhaltung', 'Mining', 'Commerce']);
    for (const nonsense of ['', 'de', '99999999999999999999']) {
      expect(await read(nonsense)).toEqual(['Accounting', 'Mining', 'Commerce']);
    }
    labeled.languages = { preferred: 1031, base: 1033 };
    expect((await labeled.refresh('account')).changed).toEqual(['dataverse_labeled.account']);
    expect(await read()).toEqual(['Buchhaltung', 'Mining', 'Commerce']);
    expect(await read('1033')).toEqual(['Accounting', 'Mining', 'Commerce']);
  });

  it('a view with labels keeps its columns when a target joins, and shows the names of that target from then on', async () => {
    await using bench = await accounts();
    const { labeled } = bench;
    const { database } = labeled.test;
    await labeled.refresh('account');
    await database.query(INSERT, [id(1), 'x', null, null, null, null, null, id(9), 'systemuser']);
    const before = await labeled.shape('dataverse_labeled.account');
    await database.query('CREATE VIEW public.mine AS SELECT ownerid_name FROM dataverse_labeled.account');
    expect(await database.query('SELECT * FROM public.mine')).toEqual([{ ownerid_name: null }]);
    await labeled.prepare(USER);
    await labeled.label(USER_LABELS);
    await database.query('INSERT INTO dataverse.systemuser (systemuserid, fullname) VALUES ($1, $2)', [
      id(9),
      'Ann',
    ]);
    expect((await labeled.refresh('systemuser')).changed).toEqual([
      'dataverse_labeled.account',
      'dataverse_labeled.systemuser',
    ]);
    expect(await labeled.shape('dataverse_labeled.account')).toEqual(before);
    expect(await database.query('SELECT * FROM public.mine')).toEqual([{ ownerid_name: 'Ann' }]);
  });

  it('a view with labels is not touched where nothing changed', async () => {
    await using bench = await accounts();
    const { labeled } = bench;
    await labeled.refresh('account');
    const state = async (): Promise<unknown> =>
      labeled.test.database.query(
        `SELECT xmin, ctid, oid, relname FROM pg_class WHERE relnamespace = 'dataverse_labeled'::regnamespace ORDER BY oid`,
      );
    const before = await state();
    expect(await labeled.refresh('account')).toEqual({ changed: [], left: [] });
    expect(await state()).toEqual(before);
  });

  it('a view with labels repeats the comments of the mirror table', async () => {
    await using bench = await accounts();
    const { labeled } = bench;
    const named = ACCOUNT.columns.map((column) =>
      column.name === 'name' ? { ...column, displayName: `It's; "a name"` } : column,
    );
    await labeled.prepare({ ...ACCOUNT, columns: named, displayName: 'Account' });
    await labeled.refresh('account');
    expect(
      await labeled.test.database.query(
        `SELECT obj_description(a.attrelid, 'pg_class') AS view, col_description(a.attrelid, a.attnum) AS column
           FROM pg_attribute a WHERE a.attrelid = 'dataverse_labeled.account'::regclass AND a.attname = 'name'`,
      ),
    ).toEqual([{ view: 'Account', column: `It's; "a name"` }]);
  });

  it('a view with labels shows rows that are marked deleted as the mirror table does', async () => {
    await using test = await testMirror();
    const labeled = new LabeledMirror(test);
    await labeled.prepare(ACCOUNT, true);
    await labeled.label(ACCOUNT_LABELS);
    await labeled.refresh('account');
    await test.database.query('INSERT INTO dataverse.account (accountid, _deleted_at) VALUES ($1, now())', [
      id(1),
    ]);
    expect(
      await test.database.query(
        'SELECT count(*)::int AS rows FROM dataverse_labeled.account WHERE _deleted_at IS NOT NULL',
      ),
    ).toEqual([{ rows: 1 }]);
  });

  it('a view with labels takes one row of an elastic target, however many partitions have its id', async () => {
    await using test = await testMirror();
    const labeled = new LabeledMirror(test);
    const columns = [
      ['name', 'text'],
      ['partitionid', 'text'],
      ['mainid', 'uuid'],
    ] as const;
    await labeled.prepare(tableOf('reading', columns, { partition: 'partitionid' }));
    await labeled.label(
      tableLabels('reading', {
        columns: [columnLabels('name', 'StringType')],
        lookups: [['mainid', ['reading', 'readingid', 'name']]],
      }),
    );
    await labeled.refresh('reading');
    for (const [partition, name] of [
      ['a', 'Second'],
      ['b', 'First'],
    ]) {
      await test.database.query(
        'INSERT INTO dataverse.reading (readingid, partitionid, name, mainid) VALUES ($1, $2, $3, $1)',
        [id(1), partition, name],
      );
    }
    expect(await test.database.query('SELECT mainid_name FROM dataverse_labeled.reading')).toEqual([
      { mainid_name: 'First' },
      { mainid_name: 'First' },
    ]);
  });

  it('a view with labels has no label for a hashed column, and no name from one', async () => {
    await using test = await testMirror();
    const labeled = new LabeledMirror(test);
    const hashed = tableOf('account', [
      ['name', 'hash'],
      ['industrycode', 'hash'],
      ['parentaccountid', 'uuid'],
    ]);
    await labeled.prepare(hashed);
    await labeled.label(ACCOUNT_LABELS);
    await labeled.refresh('account');
    await test.database.query(
      `INSERT INTO dataverse.account (accountid, name, parentaccountid) VALUES ($1, 'f00', $1)`,
      [id(1)],
    );
    expect(await labeled.shape('dataverse_labeled.account')).not.toContain('industrycode_label text');
    expect(await test.database.query('SELECT parentaccountid_name FROM dataverse_labeled.account')).toEqual([
      { parentaccountid_name: null },
    ]);
  });

  it('a query on a view with labels reads the labels of each selected column once, by primary key, and finds names by primary key', async () => {
    await using bench = await accounts();
    const { labeled } = bench;
    await labeled.refresh('account');
    const plan = async (columns: string): Promise<string> => {
      const client = await labeled.test.database.pool.connect();
      try {
        // A handful of rows would be scanned for being so few.
        await client.query('SET enable_seqscan = off');
        const { rows } = await client.query<Record<string, string>>(
          `EXPLAIN SELECT ${columns} FROM dataverse_labeled.account`,
        );
        return rows.map((row) => row['QUERY PLAN']).join('\n');
      } finally {
        client.release(true);
      }
    };
    expect(await plan('name, industrycode, ownerid')).not.toMatch(/SubPlan|InitPlan/);
    const labels = await plan('industrycode_label, hobbies_label, parentaccountid_name');
    for (const column of ['industrycode', 'hobbies']) {
      const read = `InitPlan[^]*?_choices_pkey.*\\n.*Index Cond: .*table_name = 'account'.*column_name = '${column}'`;
      expect(labels).toMatch(new RegExp(read));
    }
    expect(labels).not.toMatch(/value = /);
    expect(labels).toMatch(/account_pkey.*\n.*Index Cond: \(accountid = t\.parentaccountid\)/);
    expect(labels).not.toMatch(/statecode|donotemail/);
  });

  it('a filter by the codes of a label uses the index of the code column, as the documentation writes it', async () => {
    await using bench = await accounts();
    const { labeled } = bench;
    const { database } = labeled.test;
    await labeled.refresh('account');
    await database.query(
      `INSERT INTO dataverse.account (accountid, name, industrycode)
       SELECT gen_random_uuid(), 'x', at FROM generate_series(1, 5000) AS at`,
    );
    await database.query('CREATE INDEX ON dataverse.account (industrycode)');
    await database.query('ANALYZE dataverse.account');
    const filtered = `SELECT name, industrycode_label FROM dataverse_labeled.account
      WHERE industrycode IN (SELECT value FROM dataverse._choices WHERE table_name = 'account'
                              AND column_name = 'industrycode' AND label = 'Mining')`;
    const plan = await database.query<Record<string, string>>(`EXPLAIN ${filtered}`);
    expect(plan.map((row) => row['QUERY PLAN']).join('\n')).toContain('account_industrycode_idx');
    expect(await database.query(filtered)).toEqual([{ name: 'x', industrycode_label: 'Mining' }]);
  });

  it('a view with labels shows what a lookup of each code by itself would show, for any codes and options', async () => {
    await using bench = await accounts();
    const { labeled } = bench;
    const { database } = labeled.test;
    await labeled.refresh('account');
    // Codes without an option, negative codes, options without a label, and rows without a code.
    await database.query(
      `INSERT INTO dataverse._choices (table_name, column_name, value, language, label)
       SELECT 'account', name, value, language, CASE WHEN random() < 0.9 THEN name || value || '"' || language END
         FROM unnest(ARRAY['industrycode', 'statecode', 'hobbies']) AS name, generate_series(-9, 30, 3) AS value,
              unnest(ARRAY[1031, 1033, 3082]) AS language WHERE random() < 0.6 ON CONFLICT DO NOTHING`,
    );
    await database.query(
      `INSERT INTO dataverse.account (accountid, industrycode, statecode, donotemail, hobbies)
       SELECT gen_random_uuid(), nullif(floor(random() * 50)::int - 10, 7), nullif(floor(random() * 50)::int - 10, 7),
              CASE at % 3 WHEN 0 THEN true WHEN 1 THEN false END,
              CASE WHEN at % 5 > 0 THEN ARRAY(SELECT floor(random() * 50)::int - 10 FROM generate_series(1, at % 5 - 1)) END
         FROM generate_series(1, 500) AS at`,
    );
    expect(
      await database.query(
        `SELECT v.accountid FROM dataverse_labeled.account AS v
          WHERE v.industrycode_label IS DISTINCT FROM ${labelByItself('industrycode', 'v.industrycode')}
             OR v.statecode_label IS DISTINCT FROM ${labelByItself('statecode', 'v.statecode')}
             OR v.donotemail_label IS DISTINCT FROM ${labelByItself('donotemail', 'v.donotemail::integer')}
             OR v.hobbies_label IS DISTINCT FROM
                (SELECT string_agg(coalesce(${labelByItself('hobbies', 'm.value')}, m.value::text), '; ' ORDER BY m.at)
                   FROM unnest(v.hobbies) WITH ORDINALITY AS m (value, at))`,
      ),
    ).toEqual([]);
  });
});
