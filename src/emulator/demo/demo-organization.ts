import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Churn } from './churn.ts';
import { DataverseEmulator } from '../dataverse-emulator.ts';
import { seedDemoData, seedEvenly } from './demo-data.ts';
import { DailyWork } from '../plausible/daily-work.ts';
import { InventedOrganization } from '../plausible/invented-organization.ts';
import { Random } from '../seeding/random.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';

export interface DemoOrganizationOptions {
  /** About how many rows it begins with. */
  readonly rows?: number;
  /** Its tables; by default those of the built-in model, whose rows are related. The rows of others are hostile. */
  readonly tables?: readonly TableDefinition[];
  /** Rows and changes have values that are hard to carry, such as extremes and odd characters, and make no sense. */
  readonly hostile?: boolean;
  /** The folder of its history, which makes it the same organization after a restart. */
  readonly historyFolder?: string;
}

/**
 * The id of the organization that has plausible rows. Change it whenever other rows follow from the same seeds: a
 * mirror of an earlier version then notices that this is another organization.
 */
const PLAUSIBLE_ORGANIZATION = '3d9c5b1e-64a7-4f0c-8b52-7e1fa9d06c24';

/**
 * An emulator full of related rows that keep changing. The rows are plausible, or hostile.
 *
 * Rows and changes follow from fixed seeds and from the times of the changes. Therefore the history has only the
 * times: replayed, they give the same rows with the same versions. Each time is written before its change is made,
 * so a process that is killed loses no change that a client saw.
 */
export class DemoOrganization {
  readonly emulator: DataverseEmulator;
  private readonly changes: { step(): unknown };
  private readonly historyFile: string | undefined;
  private replayed: number | undefined;

  constructor(options: DemoOrganizationOptions = {}) {
    const { rows = 20_000, tables, hostile = tables !== undefined, historyFolder } = options;
    // Each organization has a history of its own.
    const history = hostile ? 'demo-history' : `demo-history-${PLAUSIBLE_ORGANIZATION.slice(0, 8)}`;
    this.historyFile = historyFolder === undefined ? undefined : join(historyFolder, history);
    const now = (): number => this.replayed ?? Date.now();
    this.emulator = new DataverseEmulator({ seed: 42, now, ...(tables === undefined ? {} : { tables }) });
    const { store } = this.emulator;
    const [begun, ...changes] = this.history();
    const beginning = begun ?? this.remember();
    if (hostile) {
      const seed = tables === undefined ? seedDemoData : seedEvenly;
      this.at(beginning, () => seed(store, rows));
      this.changes = new Churn(store, new Random(7));
    } else {
      store.organizationId = PLAUSIBLE_ORGANIZATION;
      const organization = new InventedOrganization(store, rows, beginning);
      this.changes = new DailyWork(store, organization, new Random(7), now);
    }
    for (const change of changes) this.at(change, () => this.changes.step());
  }

  /** Makes changes at a steady pace until the signal is aborted. */
  async work(perSecond: number, signal: AbortSignal): Promise<void> {
    if (perSecond <= 0) return;
    while (!signal.aborted) {
      await wait(1000 / perSecond, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) this.at(this.remember(), () => this.changes.step());
    }
  }

  private history(): number[] {
    if (this.historyFile === undefined || !existsSync(this.historyFile)) return [];
    const lines = readFileSync(this.historyFile, 'utf8').split('\n');
    // The last line is empty, or was cut off when the process was killed. Its change was never made.
    return lines.slice(0, -1).map(Number);
  }

  private remember(): number {
    const now = Date.now();
    if (this.historyFile !== undefined) {
      mkdirSync(dirname(this.historyFile), { recursive: true });
      appendFileSync(this.historyFile, `${now}\n`);
    }
    return now;
  }

  private at(time: number, happen: () => void): void {
    this.replayed = time;
    happen();
    this.replayed = undefined;
  }
}
