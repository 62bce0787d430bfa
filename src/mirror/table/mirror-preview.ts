import type pg from 'pg';
import type { Checkpoint } from '../../model/checkpoint.ts';
import { type Failure, toFailure } from '../../model/failure.ts';
import type { MirrorDatabase } from '../database.ts';
import { transaction } from '../connection/postgres.ts';
import { readSweepApproval } from '../deletes/delete-approval.ts';
import type { MarkedRows } from '../deletes/marked-rows.ts';
import { SeenKeys } from '../deletes/seen-keys.ts';
import type { SweepLimits } from '../deletes/sweep-limits.ts';
import { readCheckpoint } from '../lease/leases.ts';
import type { StateStore } from '../state/store.ts';
import { changesFilter, type Table } from '../../model/table.ts';
import { countOutside } from '../filter/count-outside.ts';
import { dropOrCascade } from '../connection/sqlstate.ts';
import { planLog } from '../feed/log-triggers.ts';
import { assertKey, findRefusingReference, type ForeignKey, lacksReplicaIdentity } from './hazards.ts';
import { planHistory } from '../history/history-triggers.ts';
import { assertAllowed } from './ddl-plan.ts';
import { APPLY_ALL, consented, type ExistingTable, type Verdict } from './drift.ts';
import { whyRowsUntrusted } from './found-table.ts';
import { type IndexChange, planLookupIndexes } from './indexes/lookup-indexes.ts';
import { planMirrorTable, type PrepareOptions, whatBlocks } from './mirror-schema.ts';
import type { MirrorTable } from './mirror-table.ts';
import { findMoveBlockers } from './partitions/move-blockers.ts';
import { moveOf } from './partitions/partition-layout.ts';

/** What the next run would do to a mirror table. */
export interface MirrorPreview {
  /** The mirror table after the run, if a person said yes to all that waits. */
  readonly mirror: MirrorTable;
  /** There is a mirror table already. */
  readonly exists: boolean;
  readonly changes: readonly Verdict[];
  /** The statements, also those of changes that wait for a yes. */
  readonly statements: readonly string[];
  /** What the run would do to indexes on lookups, after it has loaded all rows. */
  readonly indexes: readonly IndexChange[];
  /** What the run would do to the history; null where that stays on or off. */
  readonly history: 'begin' | 'end' | null;
  /** What the run would do to the change log of the table; null where that stays on or off. */
  readonly feed: 'begin' | 'end' | null;
  /** How the run would move the table; null where it stays as it is divided. */
  readonly move: PlannedMove | null;
  /** Why the run would stop before any statement; null where it would not. */
  readonly refusal: Failure | null;
  /** Where the feed stands; undefined where the mirror table or the table's state does not exist yet. */
  readonly checkpoint: Checkpoint | undefined;
  /** The run would read all rows anew: they lack columns, or the link does not stand for them. */
  readonly rereads: boolean;
  /** Rows of the mirror table that a changed filter keeps out; null where PostgreSQL cannot tell. */
  readonly outside: number | null;
  readonly sweep: PlannedSweep | null;
  readonly marked: MarkedRows | null;
}

/** The partitions of a mirror table before and after a move; null for none of ours. */
export interface PlannedMove {
  readonly from: number | null;
  readonly to: number | null;
  /** What keeps the table from being moved, in words. The run then goes on with the table as it is. */
  readonly blockers: readonly string[];
}

/** What the sweep of the last re-baseline would delete. */
export interface PlannedSweep {
  /** Rows that the re-baseline did not see. */
  readonly unseen: number;
  /** All rows of the mirror table. */
  readonly rows: number;
  /** A person has said yes: the next run deletes them. */
  readonly allowed: boolean;
}

/**
 * Says what the next run would do to a mirror table. Nothing is changed.
 *
 * @param store undefined where there is no state yet.
 * @throws Failure
 */
export async function previewMirrorTable(
  { pool }: MirrorDatabase,
  store: StateStore | undefined,
  wanted: MirrorTable,
  options: PrepareOptions & { readonly sweep: SweepLimits; readonly indexesLookups: boolean },
): Promise<MirrorPreview> {
  return transaction(pool, async (client) => {
    const asked = await planMirrorTable(client, store, wanted, options);
    // The statements assume a yes, because a person who is asked wants to see them.
    const { plan, planned, existing } = await planMirrorTable(client, store, wanted, {
      ...options,
      policy: consented(options.policy),
      sweep: { ...options.sweep, maxShare: 1 },
    });
    const { statements } = plan;
    const mirror = planned;
    const preview: MirrorPreview = {
      mirror,
      exists: existing !== undefined,
      changes: asked.plan.changes,
      statements,
      indexes: await planLookupIndexes(client, mirror, options.indexesLookups),
      history: await planHistory(client, store, mirror, options.history === true),
      feed: await planLog(client, store, mirror, options.feed ?? 'off'),
      move: await plannedMove(client, mirror, existing, options.partitions ?? null),
      refusal: failureOf(() => assertAllowed(plan)) ?? (await whatBlocks(client, plan)),
      checkpoint: undefined,
      rereads: plan.refills,
      outside: null,
      sweep: null,
      marked: asked.marked,
    };
    if (preview.refusal !== null || existing === undefined) return preview;
    await assertKey(client, mirror);
    if (store === undefined) return preview;
    const state = store.on(client);
    const checkpoint = await readCheckpoint(state, mirror.table.logicalName);
    if (checkpoint === undefined) return preview;
    const untrusted = await whyRowsUntrusted(client, store, mirror);
    const sweep = await plannedSweep(client, state, mirror);
    const isChanged = changesFilter(checkpoint.selection, mirror.table);
    const outside = isChanged ? await countOutside(client, mirror) : null;
    const isMoved = preview.move !== null && preview.move.blockers.length === 0;
    const rereads = plan.refills || isMoved || untrusted !== null;
    return { ...preview, checkpoint, rereads, outside, sweep };
  });
}

async function plannedMove(
  client: pg.ClientBase,
  mirror: MirrorTable,
  existing: ExistingTable | undefined,
  to: number | null,
): Promise<PlannedMove | null> {
  const layout = existing?.layout;
  if (layout === undefined || moveOf(layout, to) === 'no') return null;
  return { from: layout.count, to, blockers: await findMoveBlockers(client, mirror, to !== null) };
}

/** The sweep that waits; null where none does, or where the keys that the re-baseline saw are gone. */
async function plannedSweep(
  client: pg.PoolClient,
  state: StateStore,
  mirror: MirrorTable,
): Promise<PlannedSweep | null> {
  const { unseenRows, allowed } = await readSweepApproval(state, mirror.table.logicalName);
  const seen = new SeenKeys(state, mirror);
  if (unseenRows === null || !(await seen.exist(client))) return null;
  return { ...(await seen.count(client)), allowed };
}

/** What will refuse changes of a mirror table's rows. */
export interface RefusalsToCome {
  /** A foreign key of another table that refuses deletes, and its remedy. */
  readonly reference: (ForeignKey & { readonly remedy: string }) | undefined;
  /** The table is published without a replica identity. */
  readonly lacksIdentity: boolean;
}

/**
 * Finds what will refuse changes of rows in a mirror table. The table need not exist yet.
 *
 * @param definition all that the source has.
 * @throws Failure where the mirror table cannot be made, or cannot be made to fit.
 */
export async function findRefusalsToCome(
  { pool }: MirrorDatabase,
  store: StateStore | undefined,
  mirror: MirrorTable,
  definition: Table,
): Promise<RefusalsToCome> {
  return transaction(pool, async (client) => {
    await planMirrorTable(client, store, mirror, { definition, policy: APPLY_ALL });
    const found = await findRefusingReference(client, mirror);
    const reference = found && { ...found, remedy: dropOrCascade(found.table, found.name) };
    return { reference, lacksIdentity: await lacksReplicaIdentity(client, mirror) };
  });
}

function failureOf(attempt: () => void): Failure | null {
  try {
    attempt();
    return null;
  } catch (error) {
    return toFailure(error);
  }
}
