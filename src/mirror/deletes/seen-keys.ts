import type pg from 'pg';
import type { RowId } from '../../model/page.ts';
import { qualifiedName, shortenIdentifier } from '../table/identifier.ts';
import {
  addKeys,
  countUnseen,
  createKeys,
  emptyKeys,
  forgetVersions,
  indexKeys,
  keyArrays,
  someUnseen,
  sweepUnseen,
} from '../page/merge-sql.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import type { StateStore } from '../state/store.ts';
import { whereLocksAllow } from '../connection/strong-lock.ts';
import { assertSwept } from '../page/swallowed-rows.ts';
import type { SweepCounts } from './sweep-limits.ts';

/** The table with the keys that a re-baseline of a table has seen, with its schema, quoted. */
export function seenKeysName({ schema, environmentId }: StateStore, table: string): string {
  return qualifiedName(schema, shortenIdentifier(`seen_${environmentId}_${table}`));
}

/**
 * The keys that a re-baseline has seen, in a table of their own: marking the rows themselves would rewrite
 * every unchanged row. The table lives from the re-baseline's first page to its sweep. Each change is part of
 * a page's transaction, so the table survives a crash together with its checkpoint.
 */
export class SeenKeys {
  /** The table's name with its schema, quoted. */
  readonly name: string;
  private readonly mirror: MirrorTable;

  constructor(store: StateStore, mirror: MirrorTable) {
    this.name = seenKeysName(store, mirror.table.logicalName);
    this.mirror = mirror;
  }

  /** Empties the table. @param indexed makes an index, because each row that comes is looked up. */
  async begin(client: pg.PoolClient, indexed: boolean): Promise<void> {
    if (await this.drop(client)) await client.query(createKeys(this.mirror, this.name));
    else await client.query(emptyKeys(this.name));
    if (indexed) await client.query(indexKeys(this.name));
  }

  /** Whether the table exists, as a re-baseline under way needs it. */
  async exist(client: pg.ClientBase): Promise<boolean> {
    const { rows } = await client.query<{ found: string | null }>('SELECT to_regclass($1) AS found', [
      this.name,
    ]);
    return (rows[0]?.found ?? null) !== null;
  }

  /** Adds the keys of a page's rows. */
  async add(client: pg.PoolClient, rows: readonly RowId[]): Promise<void> {
    if (rows.length === 0) return;
    await client.query(addKeys(this.mirror, this.name), keyArrays(this.mirror, rows));
  }

  /** Counts what a sweep would delete. */
  async count(client: pg.ClientBase): Promise<SweepCounts> {
    await client.query(`ANALYZE ${this.name}`);
    const { rows } = await client.query<{ unseen: number; rows: number }>(
      countUnseen(this.mirror, this.name),
    );
    return rows[0] ?? { unseen: 0, rows: 0 };
  }

  /** Picks some of the rows that were not seen. */
  async some(client: pg.ClientBase, count: number): Promise<RowId[]> {
    return (await client.query<RowId & pg.QueryResultRow>(someUnseen(this.mirror, this.name), [count])).rows;
  }

  /**
   * Deletes the rows that were not seen, and drops the keys.
   *
   * @param counts as counted in this transaction.
   * @param rewound the rows' versions are from a time that the environment went back from.
   * @returns how many rows.
   */
  async sweep(client: pg.PoolClient, { unseen }: SweepCounts, rewound: boolean): Promise<number> {
    // Rows that stay as marked ones may come back with any version that the environment then gives out.
    const forget = forgetVersions(this.mirror, this.name, false);
    if (rewound && this.mirror.hasMarks && forget !== undefined) await client.query(forget);
    let swept = 0;
    // To look for the rows takes as long when there are none.
    if (unseen > 0) {
      swept = (await client.query(sweepUnseen(this.mirror, this.name))).rowCount ?? 0;
      await assertSwept(client, this.mirror, this.name);
    }
    await this.drop(client);
    return swept;
  }

  /**
   * Drops the table, unless somebody keeps it locked. A dump locks all tables for as long as it takes, and no
   * table shall wait for that. Keys that cannot be dropped now are useless, and go when the next load begins.
   */
  private async drop(client: pg.PoolClient): Promise<boolean> {
    return whereLocksAllow(client, async () => client.query(`DROP TABLE IF EXISTS ${this.name}`));
  }
}
