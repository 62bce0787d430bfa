import { isInRows, wireProperty, type Column } from '../../src/emulator/definitions/column.ts';
import type { DataverseStore } from '../../src/emulator/store/dataverse-store.ts';
import type { TrueRow } from '../../src/emulator/store/true-row.ts';
import type { TableDefinition } from '../../src/emulator/definitions/emulated-table.ts';
import { literalOf } from '../../src/emulator/store/wire-value.ts';
import type { TestDatabase } from './database.ts';

/** Kinds that have no mirror column: images, party lists and what only labels another column. */
const UNMIRRORED = new Set(['Image', 'PartyList', 'Virtual']);

/** Columns that hold a file's contents. */
const BODIES = new Set(['annotation.documentbody', 'activitymimeattachment.body']);

/** What a mirror table has beside the source's columns. */
const BOOKKEEPING = new Set(['_mirrored_at', '_deleted_at']);

/** The columns that a mirror has unless told otherwise. */
function expectedColumns(table: TableDefinition): ExpectedColumn[] {
  return table.columns
    .filter(
      (column) =>
        isInRows(column) &&
        column.attributeOf === null &&
        !UNMIRRORED.has(column.kind) &&
        !BODIES.has(`${table.logicalName}.${column.logicalName}`),
    )
    .flatMap((column) => columnsOf(table, column));
}

/** Columns of the mirror table that nothing in the source asks for. */
export async function unexpectedColumns(
  store: DataverseStore,
  database: Pick<TestDatabase, 'query'>,
  table: string,
): Promise<string[]> {
  const definition = store.data(table).definition;
  const expected = new Set(expectedColumns(definition).map(({ name }) => name));
  const types = await columnTypes(database, table);
  return [...types.keys()].filter((name) => !expected.has(name) && !BOOKKEEPING.has(name));
}

/**
 * Every difference between the source's rows of a table and its mirror, value by value, as text for a
 * person; none when they are equal. It knows the contract, and nothing of the code under test.
 *
 * @param isMeant whether the mirror is to have a row: all, unless the table has a filter of rows.
 */
export async function differences(
  store: DataverseStore,
  database: Pick<TestDatabase, 'query'>,
  table: string,
  isMeant: (row: TrueRow) => boolean = () => true,
): Promise<string[]> {
  const definition = store.tables.get(table);
  if (definition === undefined) return [`the source has no table ${table}`];
  const types = await columnTypes(database, table);
  const expected = expectedColumns(definition);
  const missing = expected.filter(({ name }) => !types.has(name)).map(({ name }) => `no column ${name}`);
  if (missing.length > 0) return missing;

  const found: string[] = [];
  const rows = await mirrorRows(database, table, types, definition.primaryIdAttribute);
  for (const row of store.rows(table)) {
    if (!isMeant(row)) continue;
    const mirrored = rows.get(row.id);
    rows.delete(row.id);
    if (mirrored === undefined) {
      found.push(`${row.id} is missing`);
      continue;
    }
    for (const { name, value } of expected) {
      const type = types.get(name) ?? '';
      const is = canonical(mirrored[name] ?? null, type);
      const literal = value(row);
      const should = canonical(literal, type, literal !== null && /^["{]/.test(literal));
      if (is !== should) found.push(`${row.id}.${name}: is ${is}, should be ${should}`);
    }
  }
  for (const id of rows.keys()) found.push(`${id} should not be there`);
  return found;
}

interface ExpectedColumn {
  readonly name: string;
  /** The JSON literal that the row has for it. */
  readonly value: (row: TrueRow) => string | null;
}

function columnsOf(definition: TableDefinition, column: Column): ExpectedColumn[] {
  const property = wireProperty(column);
  const own: ExpectedColumn = {
    name: column.logicalName,
    value: (row) => literalOf(row.values.get(property) ?? null),
  };
  if (column.targets.length > 1) {
    const target = (row: TrueRow): string | null => {
      const name = row.values.get(property) === null ? undefined : row.lookupTables.get(property);
      return name === undefined ? null : JSON.stringify(name);
    };
    return [own, { name: `${column.logicalName}_entitytype`, value: target }];
  }
  // What ties a file's name to its file is AttributeOf alone: `backgroundimage_name` of `background_image`.
  const fileName = definition.columns.find(
    (each) => each.attributeOf === column.logicalName && each.kind === 'String' && isInRows(each),
  );
  if (column.kind === 'File' && fileName !== undefined) {
    const value = (row: TrueRow): string | null => literalOf(row.values.get(fileName.logicalName) ?? null);
    return [own, { name: `${column.logicalName}_name`, value }];
  }
  return [own];
}

/** A JSON literal as PostgreSQL prints the same value; what PostgreSQL printed stays as it is. */
function canonical(literal: string | null, type: string, isJson = false): string | null {
  if (literal === null) return null;
  const value: unknown = isJson ? JSON.parse(literal) : literal;
  if (type === 'integer[]') return isJson ? `{${String(value)}}` : literal;
  if (type === 'boolean') {
    const flag = typeof value === 'object' && value !== null && 'Value' in value ? value.Value : value;
    return String(flag);
  }
  // String() would take the sign off minus zero.
  if (type === 'double precision') return Object.is(Number(value), -0) ? '-0' : String(Number(value));
  // `2024-05-06T07:08:09Z` is written with a blank and without its Z.
  if (type.startsWith('timestamp')) return String(value).replace('T', ' ').replace('Z', '');
  return String(value);
}

async function columnTypes(
  database: Pick<TestDatabase, 'query'>,
  table: string,
): Promise<Map<string, string>> {
  const rows = await database.query<{ name: string; type: string }>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
      WHERE attrelid = format('dataverse.%I', $1::text)::regclass AND attnum > 0 AND NOT attisdropped`,
    [table],
  );
  return new Map(rows.map((row) => [row.name, row.type]));
}

async function mirrorRows(
  database: Pick<TestDatabase, 'query'>,
  table: string,
  types: ReadonlyMap<string, string>,
  key: string,
): Promise<Map<string, Record<string, string | null>>> {
  const live = types.has('_deleted_at') ? 'WHERE _deleted_at IS NULL' : '';
  const values = [...types].map(([name, type]) => `${asText(`"${name}"`, type)} AS "${name}"`);
  const rows = await database.query<Record<string, string | null>>(
    `SELECT ${values.join(', ')} FROM dataverse."${table}" ${live}`,
  );
  return new Map(rows.map((row) => [String(row[key]), row]));
}

function asText(name: string, type: string): string {
  if (type === 'timestamp with time zone') {
    return `to_char(${name} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')`;
  }
  return `${name}::text`;
}

/** Tables of the built-in model that can be mirrored. */
export const MIRRORED = [
  'account',
  'contact',
  'lead',
  'opportunity',
  'incident',
  'task',
  'systemuser',
  'team',
  'transactioncurrency',
  'teammembership',
];

/** The differences of all of them. */
export async function allDifferences(
  store: DataverseStore,
  database: Pick<TestDatabase, 'query'>,
  tables: readonly string[] = MIRRORED,
): Promise<string[]> {
  const each = await Promise.all(
    tables.map(async (table) =>
      (await differences(store, database, table)).slice(0, 5).map((text) => `${table}: ${text}`),
    ),
  );
  return each.flat();
}

/** Whether the mirror tables are there and hold what the source holds. */
export async function isMirrored(
  store: DataverseStore,
  database: Pick<TestDatabase, 'query'>,
  tables: readonly string[],
): Promise<boolean> {
  // A table that is being made is not there to be compared.
  const found = await allDifferences(store, database, tables).catch(() => ['not there yet']);
  return found.length === 0;
}
