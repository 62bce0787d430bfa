import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Churn } from './churn.ts';
import { DataverseEmulator } from '../dataverse-emulator.ts';
import { seedDemoData, seedEvenly } from './demo-data.ts';
import { Random } from '../seeding/random.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';

export interface DemoOrganizationOptions {
  /** About how many rows it begins with. */
  readonly rows?: number;
  /** Its tables; by default those of the built-in model, whose rows are related. */
  readonly tables?: readonly TableDefinition[];
  /** The file of its history, which makes it the same organization after a restart. */
  readonly historyFile?: string;
}

/**
 * An emulator full of related rows that keep changing.
 *
 * Rows and changes follow from fixed seeds and from the times of the changes. Therefore the history has only the
 * times: replayed, they give the same rows with the same versions. Each time is written before its change is made,
 * so a process that is killed loses no change that a client saw.
 */
export class DemoOrganization {
  readonly emulator: DataverseEmulator;
  private readonly churn: Churn;
  private readonly historyFile: string | undefined;
  private replayed: number | undefined;

  constructor(options: DemoOrganizationOptions = {}) {
    this.historyFile = options.historyFile;
    const { rows = 20_000, tables } = options;
    const now = (): number => this.replayed ?? Date.now();
    this.emulator = new DataverseEmulator({ seed: 42, now, ...(tables === undefined ? {} : { tables }) });
    const seed = tables === undefined ? seedDemoData : seedEvenly;
    this.churn = new Churn(this.emulator.store, new Random(7));
    const [begun, ...changes] = this.history();
    this.at(begun ?? this.remember(), () => seed(this.emulator.store, rows));
    for (const change of changes) this.at(change, () => this.churn.step());
  }

  /** Makes changes at a steady pace until the signal is aborted. */
  async work(perSecond: number, signal: AbortSignal): Promise<void> {
    if (perSecond <= 0) return;
    while (!signal.aborted) {
      await wait(1000 / perSecond, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) this.at(this.remember(), () => this.churn.step());
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
