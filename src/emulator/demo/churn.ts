import { setTimeout as wait } from 'node:timers/promises';
import { wireProperty } from '../definitions/column.ts';
import type { DataverseStore } from '../store/dataverse-store.ts';
import { ORGANIZATION } from '../organization/organizations.ts';
import { Random } from '../seeding/random.ts';
import { PARTITION, type TableData } from '../store/table-data.ts';
import { valueSeeder } from '../seeding/value-seeder.ts';
import type { WireInput } from '../store/wire-value.ts';

/** What one step of a churn did. */
export interface Change {
  readonly action: 'insert' | 'update' | 'delete' | 'restore';
  readonly table: string;
  readonly id: string;
}

/** Many rows point at the rows of these tables, so a real organization does not delete them. */
const NEVER_DELETED = new Set(['transactioncurrency', 'systemuser', 'team']);

/** Makes small random changes, as users at work do. Some values are hard to carry exactly. */
export class Churn {
  readonly #store: DataverseStore;
  readonly #random: Random;
  readonly #tables: readonly string[];

  /** Without a list of tables it works on every standard table of many rows. */
  constructor(store: DataverseStore, random: Random = new Random(7), tables?: readonly string[]) {
    this.#store = store;
    this.#random = random;
    this.#tables =
      tables ??
      [...store.tables.values()]
        .filter((each) => each.tableType === 'Standard' && each.logicalName !== ORGANIZATION)
        .map((each) => each.logicalName);
  }

  /** Makes one change: a quarter inserts, most updates, some deletes, now and then a restore. */
  step(): Change {
    const random = this.#random;
    const table = random.pick(this.#tables.filter((each) => this.#store.has(each)));
    const data = this.#store.data(table);
    const lot = random.next();
    const restorable = this.#store.restorable(table);
    if (lot < 0.03 && restorable.length > 0) {
      const id = random.pick(restorable);
      this.#store.restore(table, id);
      return { action: 'restore', table, id };
    }
    const id = data.anyId(random);
    if (id === undefined || lot < 0.28) return this.#insert(table);
    if (data.definition.intersects !== null) {
      // Rows of N:N tables are only made and deleted.
      if (lot < 0.6) return this.#insert(table);
      this.#store.remove(table, id);
      return { action: 'delete', table, id };
    }
    if (lot < 0.4 && !NEVER_DELETED.has(table)) {
      this.#store.remove(table, id);
      return { action: 'delete', table, id };
    }
    this.#store.update(table, id, this.#changes(data));
    return { action: 'update', table, id };
  }

  /** Makes changes at a steady pace until the signal is aborted. Returns how many. */
  async run(signal: AbortSignal, perSecond: number): Promise<number> {
    const begun = performance.now();
    let made = 0;
    while (!signal.aborted) {
      const due = Math.floor(((performance.now() - begun) / 1000) * perSecond);
      while (made < due && !signal.aborted) {
        this.step();
        made += 1;
      }
      await wait(Math.max(5, 1000 / perSecond), undefined, { signal }).catch(() => undefined);
    }
    return made;
  }

  #insert(table: string): Change {
    const [id = ''] = this.#store.seed(table, 1, this.#random, this.#random.integer(0, 120));
    return { action: 'insert', table, id };
  }

  #changes(data: TableData): Record<string, WireInput> {
    const random = this.#random;
    const changes: Record<string, WireInput> = {};
    const columns = data.rowColumns.filter(
      (column) =>
        column.logicalName !== data.definition.primaryIdAttribute &&
        column.logicalName !== 'versionnumber' &&
        column.logicalName !== 'createdon' &&
        column.logicalName !== 'modifiedon' &&
        // Part of the key of an elastic table.
        column.logicalName !== PARTITION &&
        column.calculationOf === null,
    );
    const amount = columns.length === 0 ? 0 : random.integer(1, 4);
    for (let count = 0; count < amount; count += 1) {
      const column = random.pick(columns);
      const mayBeNull = !column.isPrimaryName && column.kind !== 'State' && column.kind !== 'Status';
      const value =
        mayBeNull && random.chance(0.1)
          ? null
          : valueSeeder(this.#store, data.definition, column)(random.integer(0, 100), random);
      changes[wireProperty(column)] = value;
      const twin = `${column.logicalName}_base`;
      if (column.kind === 'Money' && data.positions.has(twin)) changes[twin] = value;
    }
    return changes;
  }
}
