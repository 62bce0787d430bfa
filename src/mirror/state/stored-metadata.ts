import type { Table } from '../../model/table.ts';
import { and, eq, inArray, isNotNull, notInArray, or, sql } from '../drizzle.ts';
import { VIEWS_DUE } from '../labels/label-state.ts';
import { LABEL_TABLES } from '../labels/label-tables.ts';
import { qualifiedName } from '../table/identifier.ts';
import type { StateStore } from './store.ts';

/**
 * What the state knows of the environment's metadata as a whole. Each stored definition, and the labels of each
 * table, name the basis that they belong to. They are current if it is the basis of the environment's row.
 */
export interface StoredBasis {
  /** Names one state of the environment's metadata. */
  readonly basis: string;
  /** Which process and which identity read the metadata. */
  readonly reader: string;
}

/** The basis of the stored metadata; undefined where none is stored. @throws Failure */
export async function readBasis(store: StateStore): Promise<StoredBasis | undefined> {
  const { environments } = store.tables;
  const [row] = await store.statement(async (db) =>
    db
      .select({ basis: environments.metadataBasis, reader: environments.metadataReader })
      .from(environments)
      .where(eq(environments.id, store.environmentId)),
  );
  const { basis, reader } = row ?? { basis: null, reader: null };
  return basis === null || reader === null ? undefined : { basis, reader };
}

/** The definitions of these tables that belong to a basis. @throws Failure */
export async function readDefinitionsOf(
  store: StateStore,
  basis: string,
  names: readonly string[],
): Promise<Map<string, () => Table>> {
  if (names.length === 0) return new Map();
  const { definitions } = store.tables;
  const rows = await store.statement(async (db) =>
    db
      .select({ table: definitions.table, definition: definitions.definition })
      .from(definitions)
      .where(
        and(
          eq(definitions.environmentId, store.environmentId),
          eq(definitions.basis, basis),
          inArray(definitions.table, [...names]),
        ),
      ),
  );
  // Hundreds of definitions are parsed one by one, each when its table is at work.
  return new Map(rows.map(({ table, definition }) => [table, () => JSON.parse(definition) as Table]));
}

/** The list of tables that was stored with a basis, as JSON. @throws Failure */
export async function readTableList(store: StateStore, basis: string): Promise<string | undefined> {
  const { environments } = store.tables;
  const [row] = await store.statement(async (db) =>
    db
      .select({ list: environments.metadataTables })
      .from(environments)
      .where(and(eq(environments.id, store.environmentId), eq(environments.metadataBasis, basis))),
  );
  return row?.list ?? undefined;
}

/** Stores the list of tables with the basis that it was read under, if that is still the stored one. @throws Failure */
export async function recordTableList(store: StateStore, basis: string, list: string): Promise<void> {
  const { environments } = store.tables;
  await store.statement(async (db) =>
    db
      .update(environments)
      .set({ metadataTables: list })
      .where(and(eq(environments.id, store.environmentId), eq(environments.metadataBasis, basis))),
  );
}

/** How the stored metadata goes over to another basis. */
export interface BasisChange {
  /** The basis that the state must have; null for none. */
  readonly from: string | null;
  readonly to: StoredBasis;
  /** What changed between the two; undefined if everything may have. */
  readonly changed: MetadataDifference | undefined;
}

export interface MetadataDifference {
  /** Tables whose definition and labels must be read again. */
  readonly tables: ReadonlySet<string>;
  /** Whether labels of any table may be gone, so that the labels of all tables must be read again. */
  readonly labels: boolean;
  /** Whether the list of tables must be read again. */
  readonly list: boolean;
}

/**
 * Records that what is stored belongs to another basis, all but what has changed.
 *
 * @returns false, without effect, if another process has changed the basis meanwhile.
 * @throws Failure
 */
export async function recordBasis(store: StateStore, { from, to, changed }: BasisChange): Promise<boolean> {
  return store.transaction(async ({ db, tables: { environments, definitions, tables }, environmentId }) => {
    const recorded = await db
      .update(environments)
      .set({
        metadataBasis: to.basis,
        metadataReader: to.reader,
        ...(changed?.list === false ? {} : { metadataTables: null }),
      })
      .where(
        and(
          eq(environments.id, environmentId),
          sql`${environments.metadataBasis} IS NOT DISTINCT FROM ${from}::text`,
        ),
      )
      .returning({ id: environments.id });
    if (recorded.length === 0) return false;
    if (changed === undefined || from === null) {
      await db
        .update(definitions)
        .set({ basis: null })
        .where(and(eq(definitions.environmentId, environmentId), isNotNull(definitions.basis)));
      return true;
    }
    const others = (column: typeof definitions.table | typeof tables.table) =>
      changed.tables.size === 0 ? undefined : notInArray(column, [...changed.tables]);
    // Tables come before definitions, as in a preparation, so that the two never wait for each other.
    if (!changed.labels) {
      // The mark of labels whose views are due stands before the basis.
      await db
        .update(tables)
        .set({ labelsVersion: sql`replace(${tables.labelsVersion}, ${from}::text, ${to.basis}::text)` })
        .where(
          and(
            eq(tables.environmentId, environmentId),
            or(eq(tables.labelsVersion, from), eq(tables.labelsVersion, VIEWS_DUE + from)),
            others(tables.table),
          ),
        );
    }
    await db
      .update(definitions)
      .set({ basis: to.basis })
      .where(
        and(
          eq(definitions.environmentId, environmentId),
          eq(definitions.basis, from),
          others(definitions.table),
        ),
      );
    return true;
  });
}

/**
 * Finds the tables that parts with these ids belonged to, by the ids in the stored definitions and in the catalog of
 * labels. The catalog also has the columns that are not mirrored.
 *
 * @throws Failure
 */
export async function readOwners(
  store: StateStore,
  schema: string,
  ids: readonly string[],
): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const { definitions } = store.tables;
  const wanted = sql`ANY (string_to_array(${ids.join(',')}::text, ','))`;
  const catalog = qualifiedName(schema, LABEL_TABLES.columns.name);
  return store.transaction(async ({ db, environmentId }) => {
    const ofDefinitions = await db.execute<{ name: string }>(
      sql`SELECT DISTINCT ${definitions.table} AS name FROM ${definitions},
            regexp_matches(${definitions.definition}, '"metadataId":"([0-9a-f-]{36})"', 'g') AS found (id)
           WHERE ${definitions.environmentId} = ${environmentId} AND found.id[1] = ${wanted}`,
    );
    const { rows: tables } = await db.execute<{ exists: boolean }>(
      sql`SELECT to_regclass(${catalog}) IS NOT NULL AS exists`,
    );
    if (tables[0]?.exists !== true) return ofDefinitions.rows.map(({ name }) => name);
    const ofLabels = await db.execute<{ name: string }>(
      sql`SELECT DISTINCT table_name AS name FROM ${sql.raw(catalog)} WHERE lower(metadata_id) = ${wanted}`,
    );
    return [...ofDefinitions.rows, ...ofLabels.rows].map(({ name }) => name);
  });
}

/** Forgets the stored metadata: definitions, labels and the list of tables are read again. @throws Failure */
export async function forgetStoredMetadata(store: StateStore): Promise<void> {
  await store.transaction(async ({ db, tables: { environments, definitions, tables }, environmentId }) => {
    await db
      .update(environments)
      .set({ metadataBasis: null, metadataReader: null, metadataTables: null })
      .where(eq(environments.id, environmentId));
    await db.update(tables).set({ labelsVersion: null }).where(eq(tables.environmentId, environmentId));
    await db
      .update(definitions)
      .set({ basis: null })
      .where(and(eq(definitions.environmentId, environmentId), isNotNull(definitions.basis)));
  });
}
