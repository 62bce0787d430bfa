import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { Failure } from '../../model/failure.ts';
import { transaction } from '../connection/postgres.ts';
import { BEGINNING } from './checkpoints.ts';
import { and, drizzle, eq, interval, sql } from '../drizzle.ts';
import { stateExists } from './migrations.ts';
import { stateTables } from './schema.ts';
import { openStateStore, type StateStore } from './store.ts';
import type { MirrorDatabase } from '../database.ts';

export interface EnvironmentRecord {
  readonly id: number;
  readonly url: string;
  readonly organizationId: string;
  readonly linkLifeDays: number | null;
  /** The organization's base language, as 1033; null where it is not known. */
  readonly language: number | null;
}

/** What the environment says about itself. */
export interface SeenEnvironment {
  readonly url: string;
  readonly organizationId: string;
  readonly linkLifeDays?: number | undefined;
  readonly language?: number | undefined;
}

/** An environment as it was just recorded. */
export interface RegisteredEnvironment extends EnvironmentRecord {
  /** The organization that was at this address before, and whose rows are still in the mirror. */
  readonly replaced?: string;
}

/** Finds the environment that is mirrored into a schema; undefined where none is. */
async function findEnvironment(
  db: NodePgDatabase,
  stateSchema: string,
  mirrorSchema: string,
): Promise<EnvironmentRecord | undefined> {
  const [found] = await environmentOf(db, stateSchema, mirrorSchema);
  return found;
}

function environmentOf(db: NodePgDatabase, stateSchema: string, mirrorSchema: string) {
  const { environments } = stateTables(stateSchema);
  return db
    .select({
      id: environments.id,
      url: environments.url,
      organizationId: environments.organizationId,
      linkLifeDays: environments.linkLifeDays,
      language: environments.language,
    })
    .from(environments)
    .where(eq(environments.mirrorSchema, mirrorSchema));
}

/**
 * Records which environment the mirror schema holds. An address and the links that begin with it change in
 * one transaction.
 *
 * Another organization at the same address means that an environment was reset, or that another one was
 * copied over it. Its rows replace the rows that are here.
 *
 * @throws Failure `environment-changed` when the schema holds an organization of another address. Rows of two
 *   organizations in one table could not be told apart, and the links of one mean nothing to the other.
 */
export async function registerEnvironment(
  { pool, schema, stateSchema }: MirrorDatabase,
  seen: SeenEnvironment,
): Promise<RegisteredEnvironment> {
  return transaction(pool, async (client) => register(drizzle(client), stateSchema, schema, seen));
}

async function register(
  db: NodePgDatabase,
  stateSchema: string,
  mirrorSchema: string,
  seen: SeenEnvironment,
): Promise<RegisteredEnvironment> {
  const { environments } = stateTables(stateSchema);
  // The lock lets only one of two processes act when both find another organization.
  const [before] = await environmentOf(db, stateSchema, mirrorSchema).for('update');
  const isReplaced =
    before !== undefined && before.organizationId !== seen.organizationId && before.url === seen.url;
  if (isReplaced) await replaceOrganization(db, stateSchema, before, seen.organizationId);
  const values = {
    organizationId: seen.organizationId,
    url: seen.url,
    mirrorSchema,
    linkLifeDays: seen.linkLifeDays ?? null,
    language: seen.language ?? null,
  };
  const [record] = await db
    .insert(environments)
    .values(values)
    .onConflictDoUpdate({
      target: environments.mirrorSchema,
      set: { url: seen.url, linkLifeDays: values.linkLifeDays, language: values.language },
      setWhere: eq(environments.organizationId, seen.organizationId),
    })
    .returning({ id: environments.id });
  if (record !== undefined) {
    if (before !== undefined && before.url !== seen.url) await moveLinks(db, stateSchema, before, seen.url);
    const { mirrorSchema: _, ...facts } = values;
    return { id: record.id, ...facts, ...(isReplaced ? { replaced: before.organizationId } : {}) };
  }
  const other = await findEnvironment(db, stateSchema, mirrorSchema);
  throw new Failure({
    code: 'environment-changed',
    message: `Schema ${mirrorSchema} mirrors organization ${other?.organizationId} (${other?.url}), but ${seen.url} is organization ${seen.organizationId}.`,
  });
}

/**
 * Sets all tables back. Links, row versions and labels of the former organization mean nothing to the one
 * that took its place. Raised fences keep a page of the former organization from being stored.
 */
async function replaceOrganization(
  db: NodePgDatabase,
  stateSchema: string,
  before: EnvironmentRecord,
  organizationId: string,
): Promise<void> {
  const { environments, tables } = stateTables(stateSchema);
  await db
    .update(environments)
    // The new organization's metadata may have the version of the former one. A copy often has.
    .set({ organizationId, metadataBasis: null, metadataReader: null, metadataTables: null })
    .where(eq(environments.id, before.id));
  await db
    .update(tables)
    .set({
      ...BEGINNING,
      phase: sql`CASE ${tables.phase} WHEN 'new' THEN 'new' ELSE 'rebaseline' END`,
      rewound: true,
      fence: sql`${tables.fence} + 1`,
      leaseHolder: null,
      leaseExpiresAt: null,
      labelsVersion: null,
    })
    .where(eq(tables.environmentId, before.id));
}

/**
 * Rewrites the address that stored links begin with. The same organization under another address still knows
 * its links; what follows the origin stays as it was, byte for byte.
 */
async function moveLinks(
  db: NodePgDatabase,
  stateSchema: string,
  before: EnvironmentRecord,
  url: string,
): Promise<void> {
  const { tables } = stateTables(stateSchema);
  const rest = before.url.length + 1;
  await db
    .update(tables)
    .set({ link: sql`${url}::text || substr(${tables.link}, ${rest}::int)` })
    .where(
      and(eq(tables.environmentId, before.id), sql`left(${tables.link}, ${rest}::int) = ${`${before.url}/`}`),
    );
}

/** What is stored about a mirror. */
export interface MirrorState {
  readonly environment: EnvironmentRecord;
  readonly store: StateStore;
}

/**
 * Finds the state of a mirror; undefined where nothing has been mirrored into its schema yet.
 *
 * @throws Failure `state-newer` or `state-older` when another version of mirrorverse migrated the state.
 */
export async function findState({
  pool,
  schema,
  stateSchema,
}: MirrorDatabase): Promise<MirrorState | undefined> {
  if (!(await stateExists(pool, stateSchema))) return undefined;
  const environment = await transaction(pool, async (client) =>
    findEnvironment(drizzle(client), stateSchema, schema),
  );
  return environment && { environment, store: openStateStore(pool, stateSchema, environment.id) };
}

/** Records that the environment asked this process to hold all requests back for so many milliseconds. */
export async function recordThrottle(store: StateStore, milliseconds: number): Promise<void> {
  const { environments } = store.tables;
  await store.statement(async (db) =>
    db
      .update(environments)
      .set({ throttledUntil: sql`clock_timestamp() + ${interval(milliseconds)}` })
      .where(eq(environments.id, store.environmentId)),
  );
}

/**
 * Takes the right to ask the environment for the counts of its tables, which it renews once a day.
 *
 * @returns false if a process has asked within a day.
 * @throws Failure
 */
export async function claimCounts(store: StateStore): Promise<boolean> {
  const { environments } = store.tables;
  const now = sql`clock_timestamp()`;
  const claimed = await store.statement(async (db) =>
    db
      .update(environments)
      .set({ countedAt: now })
      .where(
        and(
          eq(environments.id, store.environmentId),
          sql`(${environments.countedAt} > ${now} - interval '1 day') IS NOT TRUE`,
        ),
      )
      .returning({ id: environments.id }),
  );
  return claimed.length > 0;
}
