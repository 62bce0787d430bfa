import type pg from 'pg';
import type { Checkpoint } from '../../model/checkpoint.ts';
import { toFailure, type Failure } from '../../model/failure.ts';
import { transaction } from '../connection/postgres.ts';
import { readSweepWord } from '../deletes/delete-approval.ts';
import type { MarkedRows } from '../deletes/marked-rows.ts';
import { SeenKeys } from '../deletes/sweep.ts';
import type { SweepLimits } from '../deletes/sweep-guard.ts';
import { readCheckpoint } from '../lease/leases.ts';
import type { StateStore } from '../state/store.ts';
import { assertAllowed } from './ddl-plan.ts';
import { consented, type Verdict } from './drift.ts';
import { whyRowsUntrusted } from './found-table.ts';
import { assertKey } from './mirror-key.ts';
import { planMirrorTable, whatBlocks, type PrepareOptions } from './mirror-schema.ts';
import type { MirrorTable } from './mirror-table.ts';

/** What the next run would do to a mirror table. */
export interface MirrorPreview {
  /** The mirror table as it would be, if all that waits for a yes were allowed. */
  readonly mirror: MirrorTable;
  /** There is a mirror table already. */
  readonly exists: boolean;
  readonly changes: readonly Verdict[];
  /** The statements, also of changes that wait for a yes. */
  readonly statements: readonly string[];
  /** Why the run would stop before any statement; null where it would not. The members below are empty then. */
  readonly refusal: Failure | null;
  /** Where the feed stands; undefined where the mirror table or the table's state is yet to be made. */
  readonly checkpoint: Checkpoint | undefined;
  /** Its rows would be read anew: they lack columns, or the link does not stand for them. */
  readonly rereads: boolean;
  readonly sweep: PlannedSweep | null;
  readonly marked: MarkedRows | null;
}

/** What the sweep of the last re-baseline would delete. */
export interface PlannedSweep {
  /** Rows that the re-baseline did not see. */
  readonly unseen: number;
  /** All rows of the mirror table. */
  readonly rows: number;
  /** Somebody has said yes: the next run deletes them. */
  readonly allowed: boolean;
}

/**
 * Says what the next run would do to a mirror table. Nothing is changed.
 *
 * @param store undefined where there is no state yet.
 * @throws Failure
 */
export async function previewMirrorTable(
  pool: pg.Pool,
  store: StateStore | undefined,
  wanted: MirrorTable,
  options: PrepareOptions & { readonly sweep: SweepLimits },
): Promise<MirrorPreview> {
  return transaction(pool, async (client) => {
    const asked = await planMirrorTable(client, store, wanted, options);
    // The statements are those of a yes: the person who is asked wants to see them.
    const { plan, existing } = await planMirrorTable(client, store, wanted, {
      ...options,
      policy: consented(options.policy),
      sweep: { ...options.sweep, maxShare: 1 },
    });
    const { mirror, statements } = plan;
    const preview: MirrorPreview = {
      mirror,
      exists: existing !== undefined,
      changes: asked.plan.changes,
      statements,
      refusal: failureOf(() => assertAllowed(plan)) ?? (await whatBlocks(client, plan)),
      checkpoint: undefined,
      rereads: plan.refills,
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
    return { ...preview, checkpoint, rereads: plan.refills || untrusted !== null, sweep };
  });
}

/** The sweep that waits; null where none does, or where the keys that the re-baseline saw are gone. */
async function plannedSweep(
  client: pg.PoolClient,
  state: StateStore,
  mirror: MirrorTable,
): Promise<PlannedSweep | null> {
  const { unseenRows, allowed } = await readSweepWord(state, mirror.table.logicalName);
  const seen = new SeenKeys(state, mirror);
  if (unseenRows === null || !(await seen.exist(client))) return null;
  return { ...(await seen.count(client)), allowed };
}

function failureOf(attempt: () => void): Failure | null {
  try {
    attempt();
    return null;
  } catch (error) {
    return toFailure(error);
  }
}
