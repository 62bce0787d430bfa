import type { DescribedColumn, DescribedTable } from '../../src/mirror/labels/mirror-description.ts';
import { LABEL_TABLES } from '../../src/mirror/labels/label-tables.ts';
import { labeledView } from '../../src/mirror/views/labeled-view.ts';
import { planView } from '../../src/mirror/views/view-plan.ts';
import type { Options } from '../options.ts';
import { verdict, type Section } from '../report/section.ts';
import { count, seconds } from '../report/units.ts';
import { median } from '../support/median.ts';
import { alternating } from '../support/rounds.ts';
import type { Workbench } from '../support/workbench.ts';

const BAR = 2;
const SCHEMA = 'dataverse';
const VIEWS = 'dataverse_labeled';
const TABLE = `${SCHEMA}.account`;
const VIEW = `${VIEWS}.account`;

/** Columns of an account. `share` is the percentage of rows with a value, as in a recorded account. */
interface Kind {
  readonly name: string;
  readonly type: string;
  readonly attributeType: string;
  readonly columns: number;
  readonly share: number;
  /** SQL of a value from the row's number `i` and a number `h` that looks random. */
  readonly value: string;
}

const KINDS: readonly Kind[] = [
  kind('text', 'text', 'StringType', 50, 45, `'Text of account ' || i || ' and ' || h`),
  kind('money', 'numeric', 'MoneyType', 20, 40, '(h % 1000000) / 100.0'),
  kind(
    'moment',
    'timestamptz',
    'DateTimeType',
    17,
    45,
    `timestamptz '2020-01-01' + h % 2000000 * interval '1 min'`,
  ),
  kind('often', 'integer', 'PicklistType', 14, 90, '1 + h % 12'),
  kind('seldom', 'integer', 'PicklistType', 14, 5, '727000000 + h % 12'),
  kind('yes', 'boolean', 'BooleanType', 13, 100, 'h % 2 = 0'),
  kind('several', 'integer[]', 'MultiSelectPicklistType', 2, 20, 'ARRAY[1 + h % 5, 6 + h % 6]'),
  kind('user', 'uuid', 'LookupType', 7, 90, `md5('user' || h % 400)::uuid`),
  kind('contact', 'uuid', 'LookupType', 12, 5, `md5('contact' || h % 60000)::uuid`),
];

function kind(
  ...[name, type, attributeType, columns, share, value]: [string, string, string, number, number, string]
): Kind {
  return { name, type, attributeType, columns, share, value };
}

const TARGETS = [
  { name: 'user', rows: 400 },
  { name: 'contact', rows: 60_000 },
];

/** Reading all accounts with labels and names, against reading the mirror table alone. */
export async function measureLabeledViews(workbench: Workbench, options: Options): Promise<Section> {
  const rows = options.rows(30_000);
  await workbench.clear();
  await fill(workbench, rows);
  await workbench.settle();
  const { first, second } = await alternating(
    options.rounds(5),
    async () => timeSelect(workbench, VIEW),
    async () => timeSelect(workbench, TABLE),
  );
  const ratio = median(first.map((view, round) => view / (second[round] ?? Number.NaN)));
  const added = KINDS.filter(({ attributeType }) => isLabeled(attributeType));
  const labels = added.reduce((sum, { columns }) => sum + columns, 0);
  return {
    title: 'Labelled views',
    about: `\`SELECT *\` of ${count(rows)} accounts from the view with ${labels} label and name columns. The floor is \`SELECT *\` from the mirror table. The client of both is pg, which makes an object of each row. Allowed are ${BAR} times the time of the floor.`,
    headings: ['view', 'mirror table', 'ratio'],
    rows: [[seconds(median(first)), seconds(median(second)), verdict({ value: ratio, bar: BAR })]],
    ratios: [{ name: 'labelled view', value: ratio, bar: BAR }],
  };
}

function isLabeled(attributeType: string): boolean {
  return /^(Picklist|Boolean|MultiSelectPicklist|Lookup)Type$/.test(attributeType);
}

async function timeSelect(workbench: Workbench, relation: string): Promise<number> {
  const begun = performance.now();
  await workbench.query(`SELECT * FROM ${relation}`);
  return performance.now() - begun;
}

/** SQL of a number that looks random, and is the same in every run. */
function random(seed: string): string {
  return `('x' || substr(md5('${seed}' || i), 1, 7))::bit(28)::int`;
}

async function fill(workbench: Workbench, rows: number): Promise<void> {
  const choices = LABEL_TABLES.choices;
  await workbench.query(`CREATE SCHEMA ${SCHEMA}; CREATE SCHEMA ${VIEWS};
    CREATE TABLE ${SCHEMA}.${choices.name} (${choices.columns.map(([name, type]) => `${name} ${type}`).join(', ')},
      PRIMARY KEY (table_name, column_name, value, language))`);
  for (const { name, rows: targets } of TARGETS) {
    await workbench.query(`CREATE TABLE ${SCHEMA}.${name} (id uuid PRIMARY KEY, name text, other text);
      INSERT INTO ${SCHEMA}.${name} SELECT md5('${name}' || i)::uuid, 'Name of ${name} ' || i, repeat('x', 300)
        FROM generate_series(0, ${targets - 1}) AS i`);
  }
  const columns = KINDS.flatMap((each) =>
    Array.from({ length: each.columns }, (_, at) => ({ ...each, column: `${each.name}${at}` })),
  );
  const values = columns.map(
    ({ column, share, value }) =>
      `CASE WHEN ${random(`${column} null`)} % 100 < ${share} THEN ${value.replaceAll(/\bh\b/g, random(column))} END`,
  );
  await workbench.query(`CREATE TABLE ${TABLE} (accountid uuid PRIMARY KEY, ${columns.map(({ column, type }) => `${column} ${type}`).join(', ')});
    INSERT INTO ${TABLE} SELECT md5('account' || i)::uuid, ${values.join(', ')} FROM generate_series(1, ${rows}) AS i`);
  await workbench.query(`INSERT INTO ${SCHEMA}.${choices.name} (table_name, column_name, value, language, label)
    SELECT 'account', name, first + value, language, 'Label ' || value || ' in ' || language
      FROM unnest(ARRAY[${columns.map(({ column }) => `'${column}'`).join(', ')}]) AS name, generate_series(0, 12) AS value,
           unnest(ARRAY[0, 727000000]) AS first, unnest(ARRAY[1033, 1031]) AS language`);
  const account = described(
    'account',
    columns.map(({ column, name, type, attributeType }) => ({
      ...columnOf(column, type, attributeType),
      targets: attributeType === 'LookupType' ? [{ table: name, id: 'id', name: 'name' }] : [],
    })),
  );
  const targets = TARGETS.map(({ name }) =>
    described(name, [columnOf('id', 'uuid', 'UniqueidentifierType'), columnOf('name', 'text', 'StringType')]),
  );
  const tables = new Map([account, ...targets].map((table) => [table.table, table]));
  const languages = { preferred: undefined, base: 1033 };
  const { view } = labeledView(account, tables, { schema: SCHEMA, viewSchema: VIEWS, languages });
  const plan = planView(view, undefined);
  if (plan.kind === 'blocked') throw new Error('The view cannot be made.');
  await workbench.query(plan.statements.join(';\n'));
}

function columnOf(name: string, type: string, attributeType: string): DescribedColumn {
  return { name, type, comment: null, column: name, attribute: name, attributeType, targets: [] };
}

function described(table: string, columns: readonly DescribedColumn[]): DescribedTable {
  return { table, identifier: table, comment: null, columns, uniqueColumns: new Set(['id']), labeled: true };
}
