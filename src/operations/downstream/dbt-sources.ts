import { DELETED_AT, MIRRORED_AT } from '../../mirror/table/mirror-table.ts';
import type { MirroredColumn } from '../../mirror/downstream/mirrored-tables.ts';
import { longestSilence } from '../../sync/schedule/longest-silence.ts';
import type { TableEntry } from '../../sync/tables/table-resolution.ts';
import type { ConfiguredMirror, ConfiguredTable } from './configured-mirror.ts';

/** Hours after which a quiet table counts as stale, at the earliest. */
const SHORTEST_ERROR = 24;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What dbt may know of our own columns. */
const OWN_COLUMNS: Readonly<Record<string, string>> = {
  [MIRRORED_AT]: 'When mirrorverse last wrote this row.',
  [DELETED_AT]: 'When the row was deleted at the source; null for a row that is there.',
};

type Scheduled = TableEntry & { readonly schedule: string };
type Tables = readonly ConfiguredTable<Scheduled>[];

/**
 * The document of a dbt file of sources, for dbt 1.10.5 and later. These versions want freshness below `config`, and
 * the arguments of a test below `arguments` (docs.getdbt.com, "Source properties" and "Generic test arguments
 * property"). dbt 2 takes no other form.
 */
export function dbtSources(
  { database, tables }: Pick<ConfiguredMirror<Scheduled>, 'database' | 'tables'>,
  { schema, url }: { readonly schema: string; readonly url: string | undefined },
): object {
  const source = sourceName(schema);
  return {
    version: 2,
    sources: [
      {
        name: source,
        description: jinjaText(`Mirror of Dataverse${url === undefined ? '' : ` (${url})`} by mirrorverse.`),
        database,
        schema,
        loader: 'mirrorverse',
        tables: [...tables.map((table) => dbtTable(table, tables, source)), FRESHNESS],
      },
    ],
  };
}

/** The view that says how fresh each table is, whether or not rows changed. */
const FRESHNESS = {
  name: '_freshness',
  description: 'How fresh the mirror tables are: one row for each table.',
  columns: [
    { name: 'table_name', description: 'Logical name of the table.' },
    { name: 'phase', description: 'What the table is in; `delta` if it follows its source.' },
    { name: 'last_success_at', description: 'When a run last brought the table up to date.' },
    { name: 'lag_seconds', description: 'Seconds since then.' },
  ],
};

function dbtTable(table: ConfiguredTable<Scheduled>, tables: Tables, source: string): object {
  const { definition, columns } = table;
  const alive = columns.some(({ name }) => name === DELETED_AT) ? { where: `${DELETED_AT} is null` } : {};
  const key = columns.find(({ column }) => column === definition.key);
  const partition = columns.find(({ column }) => column === (definition.partition ?? null));
  const isElastic = definition.partition !== undefined && partition !== undefined;
  return {
    name: table.identifier,
    ...described(table.comment),
    config: { loaded_at_field: MIRRORED_AT, freshness: freshness(table.entry.schedule) },
    ...(key !== undefined && isElastic ? { data_tests: [uniquePair(key, partition, alive)] } : {}),
    columns: columns.map((column) => {
      const tests =
        column === key
          ? [...(isElastic ? [] : [test('unique', alive)]), test('not_null', alive)]
          : relationships(table, column, tables, source, alive);
      return {
        name: column.name,
        ...described(column.comment ?? OWN_COLUMNS[column.name] ?? null),
        data_type: column.type,
        // dbt writes the names of columns as they are here.
        ...(tests.length > 0 && column.sql !== column.name ? { quote: true } : {}),
        ...(tests.length > 0 ? { data_tests: tests } : {}),
      };
    }),
  };
}

function test(name: string, config: object): unknown {
  return Object.keys(config).length === 0 ? name : { [name]: { config } };
}

/** An id is unique only within its partition. A null partition is one of its own, which no text equals. */
function uniquePair(key: MirroredColumn, partition: MirroredColumn, config: object): object {
  const pair = `(${key.sql}::text || '/' || quote_nullable(${partition.sql}))`;
  return { unique: { column_name: pair, ...(Object.keys(config).length === 0 ? {} : { config }) } };
}

/**
 * The test of a lookup with one possible target that is mirrored too. It only warns: Dataverse may keep lookups to rows
 * that were deleted or that the identity may not read, and tables are not read at the same moment.
 */
function relationships(
  { definition }: ConfiguredTable<Scheduled>,
  column: MirroredColumn,
  tables: Tables,
  source: string,
  config: object,
): object[] {
  const lookup = definition.columns.find(({ name }) => name === column.column);
  const [target, ...more] = lookup?.targets ?? [];
  if (lookup?.name !== lookup?.attribute || column.type !== 'uuid' || more.length > 0) return [];
  const other = tables.find(({ table }) => table === target);
  const field = other?.columns.find((each) => each.column === other.definition.key);
  // An id of an elastic table is unique only within its partition, so a lookup does not say which row it means.
  if (other === undefined || field === undefined || other.definition.partition !== undefined) return [];
  const to = `source('${source}', '${other.identifier}')`;
  return [
    { relationships: { arguments: { to, field: field.sql }, config: { severity: 'warn', ...config } } },
  ];
}

/** When dbt warns, and when it fails. A table may be quiet for longer than its schedule, so an error takes a day. */
function freshness(schedule: string): object {
  const silence = longestSilence(schedule);
  return {
    warn_after: period(silence),
    error_after: period(Math.max(4 * silence, SHORTEST_ERROR * HOUR)),
  };
}

function period(seconds: number): { readonly count: number; readonly period: 'minute' | 'hour' | 'day' } {
  if (seconds % DAY === 0) return { count: seconds / DAY, period: 'day' };
  if (seconds % HOUR === 0) return { count: seconds / HOUR, period: 'hour' };
  return { count: Math.ceil(seconds / MINUTE), period: 'minute' };
}

function described(text: string | null): { readonly description?: string } {
  return text === null ? {} : { description: jinjaText(text) };
}

/** dbt renders each description by Jinja. Braces that people wrote have to stay braces. */
export function jinjaText(text: string): string {
  return text.replaceAll(/\{(?=[{%#])/g, "{{ '{' }}");
}

/** Models call the source by this name, inside quotes. */
function sourceName(schema: string): string {
  return schema.replaceAll(/[^\p{L}\p{N}_]/gu, '_');
}
