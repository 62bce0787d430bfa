import type { Logger } from 'pino';
import { claimNudgedPoll, type NudgeClaim } from '../../mirror/control/nudge-claims.ts';
import { passNudgesOn } from '../../mirror/control/passed-on-nudge.ts';
import type { StateStore } from '../../mirror/state/store.ts';
import { toFailure } from '../../model/failure.ts';
import { untilAborted } from '../../timing/sleep.ts';
import type { RunListener, RunningTables, ToldOutcome } from '../schedule/running-tables.ts';
import type { ControlWatch } from '../watch/control-watch.ts';
import type { NudgeInbox } from './nudge-inbox.ts';
import {
  afterAsking,
  afterBegin,
  afterEnd,
  afterNudge,
  afterRefusal,
  afterWait,
  nextPoll,
  NO_NUDGE,
  NUDGE_TIMES,
  type NudgePlan,
  type NudgeTimes,
} from './nudge-plan.ts';

/** Milliseconds in which nudges for tables of other processes are collected. */
const PASS_ON = 1_000;
/** Tables of other processes that are collected at most. A sender may invent any number of names. */
const MOST_PASSED_ON = 1_000;
/** Logical names of Dataverse tables. */
const NAME = /^[a-z_]\w{0,127}$/i;

export interface NudgeOptions {
  readonly inbox: NudgeInbox;
  readonly tables: RunningTables;
  readonly control: ControlWatch;
  readonly store: StateStore;
  readonly logger: Logger;
  readonly times?: NudgeTimes;
}

/**
 * Polls tables soon after a nudge, until aborted. A nudge is only a hint: it can do no more than make a table of this
 * process run, and the schedule goes on whether nudges come or not.
 *
 * A nudge for a table that this process does not mirror is passed on by the state, and the process that mirrors the
 * table finds it there within two seconds.
 */
export async function followNudges(options: NudgeOptions, signal: AbortSignal): Promise<void> {
  const { inbox, control } = options;
  const follower = new NudgeFollower(options);
  const disconnect = inbox.connect((table) => follower.nudged(table));
  control.onNudge = (table) => follower.nudgedByOther(table);
  await untilAborted(signal);
  disconnect();
  control.onNudge = () => undefined;
  follower.close();
}

class NudgeFollower implements RunListener {
  private readonly options: NudgeOptions;
  private readonly plans = new Map<string, NudgePlan>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly others = new Set<string>();
  private passing: NodeJS.Timeout | undefined;
  private readonly times: NudgeTimes;
  private isClosed = false;

  constructor(options: NudgeOptions) {
    this.options = options;
    this.times = options.times ?? NUDGE_TIMES;
    options.tables.listen(this);
  }

  nudged(table: string): void {
    if (this.options.tables.job(table) !== undefined) this.change(table, (plan) => afterNudge(plan, now()));
    else if (NAME.test(table)) this.passOn(table);
  }

  nudgedByOther(table: string): void {
    if (this.options.tables.job(table) !== undefined) this.change(table, (plan) => afterNudge(plan, now()));
  }

  begun(table: string): void {
    this.change(table, afterBegin);
  }

  ended(table: string, begunAt: number, outcome: ToldOutcome): void {
    this.change(table, (plan) => afterEnd(plan, { begunAt, outcome }, this.times));
  }

  left(table: string): void {
    clearTimeout(this.timers.get(table));
    this.timers.delete(table);
    this.plans.delete(table);
  }

  close(): void {
    this.isClosed = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
    clearTimeout(this.passing);
  }

  private change(table: string, change: (plan: NudgePlan) => NudgePlan): void {
    if (this.isClosed) return;
    const plan = change(this.plans.get(table) ?? NO_NUDGE);
    this.plans.set(table, plan);
    clearTimeout(this.timers.get(table));
    const poll = nextPoll(plan, this.times);
    if (poll === undefined) return;
    const timer = setTimeout(() => void this.poll(table), Math.max(0, poll.at - now()));
    this.timers.set(table, timer);
  }

  private async poll(table: string): Promise<void> {
    const { tables } = this.options;
    const poll = nextPoll(this.plans.get(table) ?? NO_NUDGE, this.times);
    if (poll === undefined) return;
    this.change(table, afterAsking);
    const claim = await this.claim(table, poll.isCheck);
    // A run that began meanwhile has taken the place of the poll, or the table has left.
    if (this.plans.get(table)?.isAsked !== true) return;
    if (claim === 'refused') this.change(table, afterRefusal);
    else if (claim.wait > 0) this.change(table, (plan) => afterWait(plan, now() + claim.wait));
    else if (!tables.poll(table, poll.dueAt)) this.change(table, afterRefusal);
  }

  private async claim(table: string, isCheck: boolean): Promise<NudgeClaim> {
    const { store, logger } = this.options;
    try {
      return await claimNudgedPoll(store, table, { gap: this.times.gap, early: isCheck });
    } catch (error) {
      // The runs of the tables tell what is wrong with the database, and the schedule goes on.
      logger.debug({ table, code: toFailure(error).code }, 'A nudge was dropped.');
      return 'refused';
    }
  }

  private passOn(table: string): void {
    if (this.isClosed || this.others.size >= MOST_PASSED_ON) return;
    this.others.add(table);
    this.passing ??= setTimeout(() => {
      this.passing = undefined;
      const names = [...this.others];
      this.others.clear();
      const { store, logger } = this.options;
      passNudgesOn(store, names).catch((error: unknown) => {
        logger.debug({ code: toFailure(error).code }, 'Nudges could not be passed on.');
      });
    }, PASS_ON);
  }
}

const now = (): number => performance.now();
