import type { TableDefinition } from '../definitions/emulated-table.ts';

interface ModelChange {
  readonly version: number;
  readonly table: string;
  /** Undefined for a new table. */
  readonly before: TableDefinition | undefined;
}

/** A state that the history can go back to. */
export interface ModelMoment {
  readonly version: number;
  readonly changes: readonly ModelChange[];
}

/** The metadata version of an organization, and what each table was before its changes. */
export class ModelHistory {
  #version = 80_869_047;
  #changes: readonly ModelChange[] = [];

  /** Grows with every change of the model. */
  get version(): number {
    return this.#version;
  }

  record(table: string, before: TableDefinition | undefined): void {
    this.#version += 1;
    this.#changes = [...this.#changes, { version: this.#version, table, before }];
  }

  /** What each table that has changed after a version was at that version; undefined where it was not there. */
  since(version: number): ReadonlyMap<string, TableDefinition | undefined> {
    const before = new Map<string, TableDefinition | undefined>();
    for (const change of this.#changes) {
      if (change.version > version && !before.has(change.table)) before.set(change.table, change.before);
    }
    return before;
  }

  moment(): ModelMoment {
    return { version: this.#version, changes: this.#changes };
  }

  /** An organization that is restored has the history of the backup. */
  goBackTo({ version, changes }: ModelMoment): void {
    this.#version = version;
    this.#changes = changes;
  }
}
