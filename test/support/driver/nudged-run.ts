import { setTimeout as delay } from 'node:timers/promises';
import type { StateStore } from '../../../src/mirror/state/store.ts';
import { followNudges } from '../../../src/sync/nudges/nudge-follower.ts';
import { NudgeInbox } from '../../../src/sync/nudges/nudge-inbox.ts';
import type { NudgeTimes } from '../../../src/sync/nudges/nudge-plan.ts';
import type { TableJob } from '../../../src/sync/run/table-job.ts';
import { RunningTables } from '../../../src/sync/schedule/running-tables.ts';
import { ControlWatch } from '../../../src/sync/watch/control-watch.ts';
import { Places } from '../../../src/timing/places.ts';
import type { TestDatabase } from '../database.ts';
import type { NudgeAct } from './nudged-time.ts';
import type { Source } from './source-changes.ts';
import { silent } from '../mirror.ts';

/** A hundredth of what a daemon waits. */
const TIMES: NudgeTimes = { firstPoll: 10, checks: [20, 100], tooYoung: 5, lateCheck: 50, gap: 50 };
/** Milliseconds between two nudges, and after the last one. */
const PAUSE = 8;
const AFTERWARDS = 120;
/** A schedule that does not come. */
const NEVER = '0 0 1 1 *';

/**
 * Lets a daemon's tables run by nudges alone.
 *
 * @param acts make changes, and say which tables get a nudge.
 */
export async function runNudged(
  { jobs, store }: { readonly jobs: readonly TableJob[]; readonly store: StateStore },
  acts: readonly (() => readonly string[])[],
  signal: AbortSignal,
): Promise<void> {
  const inbox = new NudgeInbox();
  const control = new ControlWatch(store, silent);
  const tables = new RunningTables(new Places(8), () => 7, control);
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const following = followNudges({ inbox, tables, control, store, logger: silent, times: TIMES }, either);
  for (const job of jobs) tables.add(job, NEVER);
  const running = tables.run(either);
  for (const act of acts) {
    for (const table of act()) inbox.receive(table);
    await delay(PAUSE);
  }
  await delay(AFTERWARDS);
  stop.abort();
  await Promise.all([following, running]);
}

/** Failures of tables, as the state has them, that mean a defect of the daemon. */
export async function recordedDefects(database: TestDatabase, codes: ReadonlySet<string>): Promise<string[]> {
  const failed = await database.query<{ name: string; code: string; message: string }>(
    `SELECT "table" AS name, error_code AS code, error_message AS message FROM mirrorverse.tables
      WHERE error_code = ANY($1)`,
    [[...codes]],
  );
  return failed.map(({ name, code, message }) => `${name}: ${code}: ${message}`);
}

/** Does what an act says. @returns the tables that get a nudge. */
export function nudgedBy(act: NudgeAct, source: Source, tables: readonly string[]): string[] {
  const name = (at: number): string => tables[at % tables.length] ?? '';
  if (act.kind === 'foreign') return ['account', "'"];
  if (act.kind === 'lie') return Array<string>(act.times).fill(name(act.table));
  source.apply(act.change);
  return act.kind === 'told' ? [name(act.change.table)] : [];
}
