import { setTimeout as later } from 'node:timers';
import { DataverseEmulator } from '../../../src/emulator/dataverse-emulator.ts';
import type { FeedWish } from '../../../src/mirror/feed/log-triggers.ts';
import type { RequestKind } from '../../../src/emulator/web-api/api-request.ts';
import type { RunResult } from '../../../src/sync/run/run-outcome.ts';
import type { TestDatabase } from '../database.ts';
import { historyDifferences } from '../history.ts';
import { FollowedLog } from './followed-log.ts';
import { PlantedDifferences } from './planted-differences.ts';
import { falseAlarms } from './proof.ts';
import { DRIVER_FILTERS, type DriverFilter } from './driver-filters.ts';
import { nudgedBy, recordedDefects } from './nudged-run.ts';
import type { FilterSwitch, Interruption, Scenario, Step, Trouble, Verified } from './scenario.ts';
import { SentRequests } from './shared-limits.ts';
import type { NudgedTime } from './nudged-time.ts';
import { emptyScenarioDatabase } from './scenario-databases.ts';
import { SimulatedProcess, type Surroundings } from './simulated-process.ts';
import { actionOf } from './trouble-action.ts';
import { driverTable, Source } from './source-changes.ts';
import { verdict } from './verdict.ts';

/** Failures that mean a defect of the daemon, whatever was done to it. */
const DEFECTS = new Set(['unexpected', 'statement-failed', 'too-many-bad-rows', 'link-loop']);
/** Milliseconds; nothing in a scenario takes as long. */
const TIME_LIMIT = 120_000;
const DATA: readonly RequestKind[] = ['baseline', 'delta', 'next', 'row'];

/**
 * Lets a scenario happen, from an empty database to its end.
 *
 * @param database of {@link watchMirror}; what earlier scenarios left in it is removed.
 * @returns what is wrong, as text for a person; nothing when all promises were kept.
 */
export async function runScenario(database: TestDatabase, scenario: Scenario): Promise<string[]> {
  await emptyScenarioDatabase(database);
  const definitions = scenario.rows.map((_, at) => driverTable(at));
  const tables = definitions.map(({ logicalName }) => logicalName);
  const emulator = new DataverseEmulator({ tables: definitions, seed: 3 });
  Object.assign(emulator.settings, scenario.readings);
  const url = await emulator.listen();
  const source = new Source(emulator, tables);
  for (const [at, count] of scenario.rows.entries()) emulator.store.seed(tables[at] ?? '', count);
  const filters = new Map<string, DriverFilter>();
  const drive = new Drive({ emulator, url, database, tables, filters }, source, scenario);
  try {
    return await Promise.race([drive.run(), hung()]);
  } finally {
    await drive.kill();
    await emulator.close();
  }
}

/** A scenario under way. */
class Drive {
  private readonly surroundings: Surroundings;
  private readonly source: Source;
  private readonly scenario: Scenario;
  private readonly processes: (SimulatedProcess | undefined)[] = [];
  private readonly problems: string[] = [];
  private readonly planted: PlantedDifferences;
  private readonly pageSizes: number[];
  private readonly log: FollowedLog;
  /** Undefined where each process has the limits to itself. */
  private readonly sent: SentRequests | undefined;
  private softDeletes: boolean;
  private isLogged: boolean;
  private partitions: number;
  private started = 0;
  /** The table of the last verification. */
  private verifying = '';

  constructor(surroundings: Surroundings, source: Source, scenario: Scenario) {
    this.surroundings = surroundings;
    this.source = source;
    this.scenario = scenario;
    this.pageSizes = [...scenario.pageSizes];
    this.softDeletes = scenario.softDeletes;
    this.isLogged = this.wish !== 'off';
    this.sent = scenario.sharesBudget === true ? new SentRequests() : undefined;
    this.partitions = scenario.partitions ?? 0;
    this.planted = new PlantedDifferences(surroundings.database);
    this.log = new FollowedLog(surroundings.database, surroundings.tables);
  }

  async run(): Promise<string[]> {
    for (const [at, step] of this.scenario.steps.entries()) {
      if (this.scenario.feedSwitches?.includes(at) === true) await this.switchFeed();
      for (const each of this.scenario.filters ?? []) if (each.before === at) await this.switchFilter(each);
      for (const each of this.scenario.nudges ?? []) if (each.before === at) await this.nudge(each);
      await this.switchPartitions(at);
      await this.step(step);
      await this.follow();
      await this.compareHistories(false);
    }
    // A log that is off tells nothing, and one that is turned on begins with a marker.
    if (!this.isLogged) await this.switchFeed();
    this.surroundings.emulator.faults.clear();
    if (this.started > 0) await this.leasesRunOut();
    const old = this.scenario.end === 'old-process';
    if (!old) await this.end();
    const last = await this.process(0);
    // One that knew the columns of before hears of the new ones during its pass.
    const passes = old && this.source.columnsChanged ? 2 : 1;
    const { surroundings, source, planted } = this;
    const compareLog = async (): Promise<string[]> => (this.isLogged ? this.log.compare() : []);
    const wrong = await verdict({ surroundings, source, process: last, planted, passes, compareLog });
    await this.compareHistories(true);
    await this.comparePartitions();
    return [...this.problems, ...wrong, ...(this.sent?.beyondLimits() ?? [])];
  }

  /** A history says of now what the mirror table says, whatever has happened. */
  private async compareHistories(mustBeOn: boolean): Promise<void> {
    const { database, tables } = this.surroundings;
    if (this.scenario.history !== true) return;
    for (const table of tables) this.problems.push(...(await historyDifferences(database, table, mustBeOn)));
  }

  private get wish(): FeedWish {
    return this.scenario.feed ?? 'off';
  }

  private async switchFeed(): Promise<void> {
    if (this.wish === 'off') return;
    await this.end();
    this.isLogged = !this.isLogged;
  }

  /** The processes end, and the next ones have the new configuration. */
  private async switchFilter({ table: at, filter }: FilterSwitch): Promise<void> {
    const { filters } = this.surroundings;
    const wanted = DRIVER_FILTERS[filter % DRIVER_FILTERS.length];
    const table = this.table(at);
    if (wanted === filters.get(table)) return;
    await this.end();
    if (wanted === undefined) filters.delete(table);
    else filters.set(table, wanted);
    // A filter may keep every row out.
    this.source.emptied.add(table);
  }

  /** Both processes start anew, with another configuration. */
  private async switchPartitions(at: number): Promise<void> {
    for (const { step, partitions } of this.scenario.partitionSwitches ?? []) {
      if (step !== at || partitions === this.partitions) continue;
      await this.end();
      this.partitions = partitions;
    }
  }

  /** Each mirror table is divided as the configuration says, and no move has left anything. */
  private async comparePartitions(): Promise<void> {
    const { database, tables } = this.surroundings;
    const wanted = this.partitions < 2 ? 0 : this.partitions;
    const found = await database.query<{ name: string; partitions: number }>(
      `SELECT c.relname AS name, (SELECT count(*)::int FROM pg_inherits i WHERE i.inhparent = c.oid) AS partitions
         FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'dataverse'::regnamespace AND (c.relname = ANY ($1) OR c.relname LIKE '%#_mov%' ESCAPE '#')`,
      [tables],
    );
    for (const { name, partitions } of found) {
      if (partitions !== wanted || !tables.includes(name)) {
        this.problems.push(`${name} has ${partitions} partitions, not ${wanted}`);
      }
    }
  }

  /** A consumer reads all the time, so it takes tables while they change. The first process makes the log. */
  private async follow(): Promise<void> {
    if (this.wish !== 'off' && this.started > 0) await this.log.follow();
  }

  private async end(): Promise<void> {
    await Promise.all(this.processes.map(async (process) => process?.end()));
    this.processes.length = 0;
  }

  /** Whatever is still running, and were it for ever. */
  async kill(): Promise<void> {
    await Promise.all(this.processes.map(async (process) => process?.kill()));
  }

  private async step(step: Step): Promise<void> {
    switch (step.do) {
      case 'trouble':
        this.expectTrouble(step);
        return;
      case 'pass':
        await this.pass(step.process, step.restart, step.interruptions);
        return;
      case 'plant':
        await this.planted.plant(this.table(step.table), step);
        return;
      case 'verify':
        await this.verify(step);
        return;
      case 'start-anew':
        await this.processes[step.process]?.end();
        this.pageSizes[step.process] = step.pageSize;
        return;
      case 'switch-deletes':
        await this.end();
        this.softDeletes = !this.softDeletes;
        return;
      default:
        this.source.apply(step);
    }
  }

  private async pass(
    number: number,
    restart: boolean,
    interruptions: readonly Interruption[],
  ): Promise<void> {
    const process = await this.process(number);
    await this.interrupted(process, number, interruptions, async () =>
      this.judge(await process.pass({ restart }), process),
    );
  }

  private async nudge({ process: number, acts }: NudgedTime): Promise<void> {
    const process = await this.process(number);
    await process.nudged(acts.map((act) => () => nudgedBy(act, this.source, this.surroundings.tables)));
    this.problems.push(...(await recordedDefects(this.surroundings.database, DEFECTS)));
  }

  private async verify({
    process: number,
    table: at,
    values,
    repair,
    interruptions,
  }: Verified): Promise<void> {
    const process = await this.process(number);
    const { surroundings, source, planted } = this;
    const table = this.table(at);
    const method = values ? 'values' : 'sweep';
    const proof = { surroundings, source, planted, table, method, repair } as const;
    this.verifying = table;
    await this.interrupted(process, number, interruptions, async () => {
      const verification = await process.verify(table, method, repair);
      if (verification === null || !process.running) return;
      const { failure } = verification;
      if (failure === null) this.problems.push(...(await falseAlarms(proof, verification)));
      else this.judge([{ table, failure }], process);
    });
  }

  /** Does work of a process, and what happens meanwhile as it reads its pages. */
  private async interrupted(
    process: SimulatedProcess,
    number: number,
    interruptions: readonly Interruption[],
    work: () => Promise<void>,
  ): Promise<void> {
    const { settings } = this.surroundings.emulator;
    const due = [...interruptions];
    const consequences: Promise<unknown>[] = [];
    let page = 0;
    settings.onPage = async () => {
      await this.follow();
      const at = page++;
      for (const each of due.filter((one) => one.page === at)) {
        due.splice(due.indexOf(each), 1);
        const interrupted = this.interrupt(each, process, number, consequences);
        // The work may be stopped while another process still starts.
        consequences.push(interrupted);
        await interrupted;
      }
    };
    try {
      await work();
      // An interruption may add its own consequences until it has ended.
      for (const consequence of consequences) await consequence;
    } finally {
      settings.onPage = null;
    }
    if (!process.running) await this.leasesRunOut();
  }

  private async interrupt(
    { what }: Interruption,
    process: SimulatedProcess,
    number: number,
    consequences: Promise<unknown>[],
  ): Promise<void> {
    switch (what.kind) {
      case 'changes':
        for (const change of what.changes) this.source.apply(change);
        return;
      case 'stop':
        process.stop();
        return;
      case 'kill':
        consequences.push(
          new Promise<void>((resolve, reject) => {
            later(() => void process.kill().then(resolve, reject), what.milliseconds);
          }),
        );
        return;
      case 'lose-sessions':
        await process.loseSessions();
        return;
      case 'drop-scratch':
        await this.dropScratch();
        return;
      case 'verify-too': {
        const other = await this.process(1 - number);
        const { verifying } = this;
        consequences.push(other.verify(verifying, 'values', false));
        return;
      }
      case 'company': {
        const other = await this.process(1 - number);
        consequences.push(other.pass().then((results) => this.judge(results, other)));
        return;
      }
      case 'stand-still': {
        const other = await this.process(1 - number);
        await this.leasesRunOut();
        for (const change of what.changes) this.source.apply(change);
        const isAtWork = other.isAtWork;
        const pass = other.pass().then((results) => this.judge(results, other));
        // The page that stands still may be a page of the other process. Its next pass then waits for that one.
        if (isAtWork) consequences.push(pass);
        else await pass;
      }
    }
  }

  /** Trouble may end a run early; a defect never does. */
  private judge(
    results: readonly Pick<RunResult, 'table' | 'failure'>[] | null,
    process: SimulatedProcess,
  ): void {
    if (results === null || !process.running) return;
    for (const { table, failure } of results) {
      if (failure === null || !DEFECTS.has(failure.code)) continue;
      const cause = failure.cause instanceof Error ? ` ${failure.cause.stack ?? ''}` : '';
      this.problems.push(`${table}: ${failure.code}: ${failure.message}${cause}`);
    }
  }

  private table(at: number): string {
    const { tables } = this.surroundings;
    return tables[at % tables.length] ?? '';
  }

  private async dropScratch(): Promise<void> {
    const { database } = this.surroundings;
    const tables = await database.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
        WHERE schemaname = 'mirrorverse' AND tablename ~ '^(verify|suspects)_'`,
    );
    for (const { name } of tables) await database.query(`DROP TABLE IF EXISTS ${name}`);
  }

  private async process(number: number): Promise<SimulatedProcess> {
    const there = this.processes[number];
    if (there?.running === true) return there;
    const pageSize = this.pageSizes[number] ?? 5;
    const history = this.scenario.history === true ? { history: {} } : {};
    const feed = this.isLogged ? this.wish : 'off';
    const { sent } = this;
    const divided = this.partitions < 2 ? {} : { partitions: this.partitions };
    const settings = { pageSize, softDeletes: this.softDeletes, feed, sent, ...history, ...divided };
    const started = await SimulatedProcess.start(this.surroundings, settings, `process-${this.started++}`);
    this.processes[number] = started;
    return started;
  }

  /** Time passes: leases that nobody renews are free. */
  private async leasesRunOut(): Promise<void> {
    await this.surroundings.database.query(
      `UPDATE mirrorverse.tables SET lease_expires_at = clock_timestamp() - interval '1 s'
        WHERE lease_holder IS NOT NULL`,
    );
  }

  private expectTrouble({ what, requests, after, times }: Trouble): void {
    const kind = requests === 'data' ? DATA : ('metadata' as const);
    const match = requests === 'any' ? {} : { match: { kind } };
    this.surroundings.emulator.faults.add({ ...match, after, times, do: actionOf(what) });
  }
}

async function hung(): Promise<string[]> {
  return new Promise((resolve) => {
    later(() => resolve([`it did not end within ${TIME_LIMIT / 1000} s`]), TIME_LIMIT).unref();
  });
}
