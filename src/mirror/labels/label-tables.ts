import type pg from 'pg';
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../table/identifier.ts';
import { MIRRORED_AT } from '../table/mirror-table.ts';
import { createSchema } from '../state/migrations.ts';

/** A table of labels: its rows belong to one Dataverse table each, named by `table_name`. */
export interface LabelTable {
  readonly name: string;
  readonly comment: string;
  /** Name and type of each column, in order; beside them there is `_mirrored_at`. */
  readonly columns: readonly (readonly [name: string, type: string])[];
  /** How many of the columns, from the first on, are the primary key. */
  readonly key: number;
}

const CHOICES: LabelTable = {
  name: '_choices',
  comment: 'Options of every choice column (picklist, multi-select, state, status, yes/no), by language.',
  columns: [
    ['table_name', 'text'],
    ['column_name', 'text'],
    ['value', 'integer'],
    ['language', 'integer'],
    ['label', 'text'],
    ['description', 'text'],
    ['kind', 'text'],
    ['option_set', 'text'],
    ['is_global', 'boolean'],
    ['position', 'integer'],
    ['color', 'text'],
    ['external_value', 'text'],
    ['state', 'integer'],
    ['default_status', 'integer'],
    ['invariant_name', 'text'],
  ],
  key: 4,
};

const LOOKUP_TARGETS: LabelTable = {
  name: '_lookup_targets',
  comment: 'Tables each lookup may point at, with their primary id and primary name columns.',
  columns: [
    ['table_name', 'text'],
    ['column_name', 'text'],
    ['target_table', 'text'],
    ['target_id', 'text'],
    ['target_name', 'text'],
  ],
  key: 3,
};

const COLUMNS: LabelTable = {
  name: '_columns',
  comment: 'Attributes of each table, mirrored or not.',
  columns: [
    ['table_name', 'text'],
    ['column_name', 'text'],
    ['attribute_type', 'text'],
    ['attribute_type_name', 'text'],
    ['attribute_of', 'text'],
    ['column_number', 'integer'],
    ['metadata_id', 'text'],
    ['precision', 'integer'],
    ['max_length', 'integer'],
  ],
  key: 2,
};

const COLUMN_LABELS: LabelTable = {
  name: '_column_labels',
  comment: 'Display names and descriptions of columns, by language.',
  columns: [
    ['table_name', 'text'],
    ['column_name', 'text'],
    ['language', 'integer'],
    ['display_name', 'text'],
    ['description', 'text'],
  ],
  key: 3,
};

const TABLE_LABELS: LabelTable = {
  name: '_table_labels',
  comment: 'Display names, collection names and descriptions of tables, by language.',
  columns: [
    ['table_name', 'text'],
    ['language', 'integer'],
    ['display_name', 'text'],
    ['collection_name', 'text'],
    ['description', 'text'],
  ],
  key: 2,
};

/** The tables of labels by what they hold; Dataverse names never begin with an underscore. */
export const LABEL_TABLES = {
  choices: CHOICES,
  lookupTargets: LOOKUP_TARGETS,
  columns: COLUMNS,
  columnLabels: COLUMN_LABELS,
  tableLabels: TABLE_LABELS,
} as const;

export const LABEL_KINDS = Object.keys(LABEL_TABLES) as (keyof typeof LABEL_TABLES)[];

/** What a view was last made of, and who could read it when it was last dropped by us. */
export const VIEWS = '_views';

/** Any number of its own, the same in every version: whoever creates these tables holds this lock. */
const CREATION_LOCK = '7305813221904002';

/**
 * Creates the tables of labels that are not there, inside the caller's transaction. Processes that
 * start together queue under a lock; once the tables are there it costs one query and no lock.
 */
export async function createLabelTables(client: pg.ClientBase, schema: string): Promise<void> {
  if ((await missingTables(client, schema)).length === 0) return;
  await client.query('SELECT pg_advisory_xact_lock($1)', [CREATION_LOCK]);
  await createSchema(client, schema);
  for (const name of await missingTables(client, schema)) {
    const table = Object.values(LABEL_TABLES).find((each) => each.name === name);
    await client.query(table === undefined ? createViews(schema) : createTable(schema, table));
  }
}

async function missingTables(client: pg.ClientBase, schema: string): Promise<string[]> {
  const wanted = [...Object.values(LABEL_TABLES).map(({ name }) => name), VIEWS];
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relname = ANY ($2)`,
    [schema, wanted],
  );
  const found = new Set(rows.map(({ name }) => name));
  return wanted.filter((name) => !found.has(name));
}

function createTable(schema: string, table: LabelTable): string {
  const qualified = qualifiedName(schema, table.name);
  const columns = table.columns.map(
    ([name, type], at) => `${quoteIdentifier(name)} ${type}${at < table.key ? ' NOT NULL' : ''}`,
  );
  const key = table.columns.slice(0, table.key).map(([name]) => quoteIdentifier(name));
  return `CREATE TABLE ${qualified} (${columns.join(', ')},
            ${quoteIdentifier(MIRRORED_AT)} timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (${key.join(', ')}));
          COMMENT ON TABLE ${qualified} IS ${quoteLiteral(table.comment)}`;
}

function createViews(schema: string): string {
  const qualified = qualifiedName(schema, VIEWS);
  return `CREATE TABLE ${qualified} (view_schema text NOT NULL, view_name text NOT NULL, fingerprint text,
            options text[] NOT NULL DEFAULT '{}', grants jsonb NOT NULL DEFAULT '[]', PRIMARY KEY (view_schema, view_name));
          COMMENT ON TABLE ${qualified} IS 'The views that mirrorverse made, and what it made them of.'`;
}
