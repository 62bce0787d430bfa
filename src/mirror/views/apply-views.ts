import { createHash } from 'node:crypto';
import type pg from 'pg';
import { isContention, isPassing, isPostgresError } from '../connection/sqlstate.ts';
import { createSchema } from '../state/migrations.ts';
import { STRONG_LOCK_TIMEOUT } from '../connection/strong-lock.ts';
import { findViews, readRecords, recordView, type FoundView, type ViewRecord } from './view-catalog.ts';
import { existingRoles, readGrants, restoreGrants } from './view-grants.ts';
import { hasIdealShape, planView, type WantedView } from './view-plan.ts';

/** A view that was left as it is, and why. */
export interface LeftView {
  /** Schema and name. */
  readonly view: string;
  /**
   * - `name-taken`: something that we did not make has its name.
   * - `depended-on`: a column would change its type, and something uses the view.
   * - `in-use`: somebody was reading it for too long; it will be tried again.
   * - `unavailable`: PostgreSQL had no room for it, or other trouble that passes; it will be tried again.
   * - `refused`: PostgreSQL refused it.
   */
  readonly reason: 'name-taken' | 'depended-on' | 'in-use' | 'unavailable' | 'refused';
  /** Names of what uses the view. */
  readonly dependents: readonly string[];
  /** The SQLSTATE with which PostgreSQL refused it. */
  readonly sqlstate?: string;
}

export interface ViewReport {
  /** Schema and name of the views that were made or changed. */
  readonly changed: readonly string[];
  readonly left: readonly LeftView[];
  /** Views without room for all labels and names, with the ones left out. */
  readonly shortened?: readonly { readonly view: string; readonly leftOut: readonly string[] }[];
}

/** Whether a view was only left for now. */
export function isForNow({ reason }: Pick<LeftView, 'reason'>): boolean {
  return reason === 'in-use' || reason === 'unavailable';
}

/** Key of the advisory lock for making and dropping views; every version must use the same. */
const VIEW_LOCK = '7305813221904003';
/** Milliseconds for each further view after one wait in vain: a dump may be reading hundreds. */
const NO_MORE_TIME = 10;

/** Takes the lock for making and dropping views, until the end of the transaction. */
export async function lockViews(client: pg.ClientBase): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock($1)', [VIEW_LOCK]);
}

/**
 * Makes the views of one schema as they should be, inside the caller's transaction, which holds the lock.
 * Each view has a savepoint of its own, so one that cannot be made does not stop the others.
 *
 * @param schema where the records of views are.
 * @throws errors of the connection; what PostgreSQL says about a view is in the report.
 */
export async function applyViews(
  client: pg.ClientBase,
  schema: string,
  viewSchema: string,
  views: readonly WantedView[],
): Promise<ViewReport> {
  if (views.length === 0) return { changed: [], left: [] };
  await createSchema(client, viewSchema);
  await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
  const names = views.map(({ name }) => name);
  const found = await findViews(client, viewSchema, names);
  const records = await readRecords(client, schema, viewSchema, names);
  const changed: string[] = [];
  const left: LeftView[] = [];
  for (const wanted of views) {
    const existing = found.get(wanted.name);
    const record = records.get(wanted.name);
    const view = `${viewSchema}.${wanted.name}`;
    const dependents = existing?.dependents ?? [];
    if (existing === null || (existing !== undefined && record === undefined)) {
      left.push({ view, reason: 'name-taken', dependents });
      continue;
    }
    try {
      await client.query('SAVEPOINT view');
      const outcome = await applyView(client, schema, wanted, existing, record);
      await client.query('RELEASE SAVEPOINT view');
      if (outcome === 'changed') changed.push(view);
      if (outcome === 'blocked') left.push({ view, reason: 'depended-on', dependents });
    } catch (error) {
      if (!isPostgresError(error)) throw error;
      await client.query('ROLLBACK TO SAVEPOINT view');
      const inUse = isContention(error);
      if (inUse) await client.query(`SET LOCAL lock_timeout = ${NO_MORE_TIME}`);
      const reason = inUse ? 'in-use' : isPassing(error) ? 'unavailable' : 'refused';
      left.push({ view, reason, dependents, sqlstate: error.code });
    }
  }
  return { changed, left };
}

async function applyView(
  client: pg.ClientBase,
  schema: string,
  wanted: WantedView,
  existing: FoundView | undefined,
  record: ViewRecord | undefined,
): Promise<'changed' | 'unchanged' | 'blocked'> {
  const fingerprint = fingerprintOf(wanted);
  if (existing !== undefined && record?.fingerprint === fingerprint) {
    // The order of columns cannot be mended while something uses the view.
    if (hasIdealShape(wanted, existing) || existing.dependents.length > 0) return 'unchanged';
  }
  // A view that we dropped gets back what it had.
  const dropped = existing === undefined && record?.fingerprint === null ? record : undefined;
  const plan = planView(wanted, existing, dropped?.options);
  if (plan.kind === 'blocked') return 'blocked';
  const before = existing === undefined ? dropped?.grants : await readGrants(client, existing.oid);
  await client.query(plan.statements.join(';\n'));
  if (plan.kind !== 'replace' && before !== undefined) {
    const made = (await findViews(client, wanted.schema, [wanted.name])).get(wanted.name);
    const after = await readGrants(client, made?.oid ?? '0');
    const roles = await existingRoles(client, before);
    for (const statement of restoreGrants(wanted, before, after, roles)) await client.query(statement);
  }
  const { name } = wanted;
  await recordView(client, schema, wanted.schema, { name, fingerprint, options: [], grants: [] });
  return 'changed';
}

/** Views with the same fingerprint are made by the same statements. */
function fingerprintOf(wanted: WantedView): string {
  return createHash('sha256').update(JSON.stringify(wanted)).digest('hex');
}
