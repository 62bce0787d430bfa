import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Pool } from 'pg';
import { Failure } from '../../model/failure.ts';
import { transaction } from '../connection/postgres.ts';
import { BEGINNING } from '../state/checkpoints.ts';
import { interval } from '../lease/leases.ts';
import { stateExists } from '../state/migrations.ts';
import { stateTables } from '../state/schema.ts';
import type { StateStore } from '../state/store.ts';
import { and, eq, sql, drizzle } from '../state/drizzle.ts';

export interface EnvironmentRecord {
  readonly id: number;
  readonly url: string;
  readonly organizationId: string;
  readonly linkLifeDays: number | null;
  /** The organization's base language, as 1033; null where it is not known. */
  readonly language: number | null;
}

/** What the environment says of itself. */
export interface SeenEnvironment {
  readonly url: string;
  readonly organizationId: string;
  readonly linkLifeDays?: number | undefined;
  readonly language?: number | undefined;
}

/** An environment as it was just recorded. */
export interface RegisteredEnvironment extends EnvironmentRecord {
  /** The organization that was at this address before, and whose rows are in the mirror yet. */
  readonly replaced?: string;
}

/** The environment that the mirror schema holds, if any has been mirrored into it. */
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
 * Another organization at the same address is what is left after an environment was reset or another
 * one copied over it: its rows take the place of those that are here.
 *
 * @throws Failure `environment-changed` when it holds one of another address: rows of two organizations
 *   in one table could not be told apart, and the links of one mean nothing to the other.
 */
export async function registerEnvironment(
  pool: Pool,
  stateSchema: string,
  mirrorSchema: string,
  seen: SeenEnvironment,
): Promise<RegisteredEnvironment> {
  return transaction(pool, async (client) => register(drizzle(client), stateSchema, mirrorSchema, seen));
}

async function register(
  db: NodePgDatabase,
  stateSchema: string,
  mirrorSchema: string,
  seen: SeenEnvironment,
): Promise<RegisteredEnvironment> {
  const { environments } = stateTables(stateSchema);
  // Locked: of two processes that come upon another organization only one is to act on it.
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
 * No link, row version or label of the organization before means anything to the one that took its place.
 * The fences are raised, so that no page that was read of the former is stored any more.
 */
async function replaceOrganization(
  db: NodePgDatabase,
  stateSchema: string,
  before: EnvironmentRecord,
  organizationId: string,
): Promise<void> {
  const { environments, tables } = stateTables(stateSchema);
  await db.update(environments).set({ organizationId }).where(eq(environments.id, before.id));
  await db
    .update(tables)
    .set({
      ...BEGINNING,
      phase: sql`CASE ${tables.phase} WHEN 'new' THEN 'new' ELSE 'rebaseline' END`,
      rewound: true,
      fence: sql`${tables.fence} + 1`,
      leaseHolder: null,
      leaseExpiresAt: null,
      // Its metadata may have the version that the labels were read under: of a copy it often has.
      labelsVersion: null,
    })
    .where(eq(tables.environmentId, before.id));
}

/**
 * Stored links begin with the address the environment had when it issued them. The same organization
 * under another address knows them still; what follows the origin stays as it was, byte for byte.
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

/**
 * As `findEnvironment`, for commands that only look: none where there is no state yet.
 *
 * @throws Failure `state-newer` or `state-older` when the state is another version's.
 */
export async function readEnvironmentRecord(
  pool: Pool,
  stateSchema: string,
  mirrorSchema: string,
): Promise<EnvironmentRecord | undefined> {
  if (!(await stateExists(pool, stateSchema))) return undefined;
  return transaction(pool, async (client) => findEnvironment(drizzle(client), stateSchema, mirrorSchema));
}

/** Records that a process of ours keeps all requests back for so many milliseconds, as it was asked. */
export async function recordPause(store: StateStore, milliseconds: number): Promise<void> {
  const { environments } = store.tables;
  await store.statement(async (db) =>
    db
      .update(environments)
      .set({ pausedUntil: sql`clock_timestamp() + ${interval(milliseconds)}` })
      .where(eq(environments.id, store.environmentId)),
  );
}

/** Until when requests are kept back; null where they are not, by the database's clock. */
export async function readPause(store: StateStore): Promise<Date | null> {
  const { environments } = store.tables;
  const [row] = await store.statement(async (db) =>
    db
      .select({ pausedUntil: environments.pausedUntil })
      .from(environments)
      .where(
        and(eq(environments.id, store.environmentId), sql`${environments.pausedUntil} > clock_timestamp()`),
      ),
  );
  return row?.pausedUntil ?? null;
}
