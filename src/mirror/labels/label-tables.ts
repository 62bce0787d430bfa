import { reference } from '../citus/citus-statements.ts';
import type pg from 'pg';
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../table/identifier.ts';
import { MIRRORED_AT } from '../table/mirror-table.ts';
import { createSchema } from '../state/migrations.ts';

/** A table of labels. Each row belongs to one Dataverse table, which `table_name` names. */
export interface LabelTable {
  readonly name: string;
  readonly comment: string;
  /** Name and type of each column, in order. Beside them there is `_mirrored_at`. */
  readonly columns: readonly (readonly [name: string, type: string])[];
  /** The first so many columns are the primary key. */
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

/** The tables of labels by what they hold. No Dataverse name begins with an underscore. */
export const LABEL_TABLES = {
  choices: CHOICES,
  lookupTargets: LOOKUP_TARGETS,
  columns: COLUMNS,
  columnLabels: COLUMN_LABELS,
  tableLabels: TABLE_LABELS,
} as const;

export const LABEL_KINDS = Object.keys(LABEL_TABLES) as (keyof typeof LABEL_TABLES)[];

/** Records what each view was last made of, and who could read it when we last dropped it. */
export const VIEWS = '_views';

/** Key of the advisory lock for creating these tables; every version must use the same. */
const CREATION_LOCK = '7305813221904002';

/**
 * Creates the missing tables of labels, inside the caller's transaction. Processes that start together queue
 * under a lock. Once the tables exist, it costs one query and no lock.
 *
 * @param isDistributed the mirror tables are distributed, so each node gets the labels.
 */
export async function createLabelTables(
  client: pg.ClientBase,
  schema: string,
  isDistributed = false,
): Promise<void> {
  if ((await missingTables(client, schema)).length === 0) return;
  await client.query('SELECT pg_advisory_xact_lock($1)', [CREATION_LOCK]);
  await createSchema(client, schema);
  for (const name of await missingTables(client, schema)) {
    const table = Object.values(LABEL_TABLES).find((each) => each.name === name);
    await client.query(table === undefined ? createViews(schema) : createTable(schema, table));
    if (isDistributed && table !== undefined)
      await client.query(reference(qualifiedName(schema, table.name)));
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

/** Languages to choose a label in, as 1033; an undefined one is not preferred. */
export interface LabelLanguages {
  /** The configured language. */
  readonly preferred: number | undefined;
  /** The organization's base language. */
  readonly base: number | undefined;
}

/** The setting by which a session chooses: `SET mirrorverse.language = 1031`. */
const LANGUAGE_SETTING = 'mirrorverse.language';

/**
 * An ORDER BY list that puts the label to show first: the session's language, the configured one, the base
 * language, any. The setting is compared as text, so that no value of it makes a query fail.
 *
 * @param column SQL of the column with the language code.
 */
export function byPreference(column: string, languages: LabelLanguages): string {
  const preferred = [languages.preferred, languages.base].filter((language) => language !== undefined);
  const ranks = preferred.map((language, at) => ` WHEN ${column} = ${code(language)} THEN ${at + 1}`);
  return `CASE WHEN ${column}::text = current_setting('${LANGUAGE_SETTING}', true) THEN 0${ranks.join('')} ELSE ${ranks.length + 1} END, ${column}`;
}

function code(language: number): number {
  if (!Number.isSafeInteger(language)) throw new TypeError(`${language} is no language code.`);
  return language;
}
