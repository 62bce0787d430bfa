import { createHash } from 'node:crypto';
import { readSuccessAge } from '../../mirror/lease/leases.ts';
import type { StateStore } from '../../mirror/state/store.ts';

/**
 * The daemons that mirror the same tables with the same state, and whose turn each table is. In order of their names,
 * every first table is the first daemon's, every second one the second's, and so on. So all of them do as much.
 *
 * A turn is a preference and no right: the others look at the table a little later, and poll it if nobody has. So a
 * daemon that was killed is replaced at the next tick, and daemons that do not agree cost some polls in vain.
 */
export class Replicas {
  private readonly process: string;
  private readonly store: StateStore;
  private readonly tables = new Set<string>();
  /** The place of each table in the order of their names; undefined after a change of the tables. */
  private order: { readonly group: string; readonly places: ReadonlyMap<string, number> } | undefined;
  private living: readonly string[] = [];

  /** @param process the name of this process, as the others know it. */
  constructor(process: string, store: StateStore) {
    this.process = process;
    this.store = store;
  }

  add(table: string): void {
    this.tables.add(table);
    this.order = undefined;
  }

  remove(table: string): void {
    this.tables.delete(table);
    this.order = undefined;
  }

  /** A digest of the tables of this process, which daemons with the same tables share; null in a command. */
  group(): string | null {
    return this.tables.size === 0 ? null : this.ordered().group;
  }

  /** Takes note of the processes of the group that live, in an order that all of them see. */
  observe(living: readonly string[]): void {
    this.living = living;
  }

  /** Whether another daemon is to poll the table. */
  isOthersTurn(table: string): boolean {
    const { living, process } = this;
    if (living.length < 2 || !living.includes(process)) return false;
    const place = this.ordered().places.get(table);
    return place !== undefined && living[place % living.length] !== process;
  }

  /**
   * Whether another daemon, whose turn it was, has brought the table up to date.
   *
   * @param since by `performance.now()`.
   */
  async haveRun(table: string, since: number): Promise<boolean> {
    if (!this.isOthersTurn(table)) return false;
    // A database that does not answer is what the run of the table tells about.
    const age = await readSuccessAge(this.store, table).catch(() => null);
    return age !== null && age >= 0 && age < performance.now() - since;
  }

  private ordered(): { readonly group: string; readonly places: ReadonlyMap<string, number> } {
    if (this.order !== undefined) return this.order;
    const names = [...this.tables].toSorted();
    const hash = createHash('sha256').update(JSON.stringify([this.store.environmentId, names]));
    const places = new Map(names.map((name, place) => [name, place]));
    return (this.order = { group: hash.digest('hex'), places });
  }
}
