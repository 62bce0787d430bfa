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
  keyParameters,
  someUnseen,
  sweepUnseen,
} from '../page/merge-sql.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import type { StateStore } from '../state/store.ts';
import { whereLocksAllow } from '../connection/strong-lock.ts';
import { assertSwept } from '../page/swallowed-rows.ts';
import type { SweepCounts } from './sweep-guard.ts';

/**
 * The keys that a re-baseline has seen, in a table of its own: marking the rows themselves would
 * rewrite every unchanged one. It lives from the re-baseline's first page to its sweep, each change in
 * a page's own transaction, so it survives a crash with the checkpoint it belongs to.
 */
export class SeenKeys {
  /** Quoted, with its schema. */
  readonly name: string;
  private readonly mirror: MirrorTable;

  constructor(store: StateStore, mirror: MirrorTable) {
    const table = `seen_${store.environmentId}_${mirror.table.logicalName}`;
    this.name = qualifiedName(store.schema, shortenIdentifier(table));
    this.mirror = mirror;
  }

  /** Starts over with none. @param indexed each row that comes is looked up. */
  async begin(client: pg.PoolClient, indexed: boolean): Promise<void> {
    if (await this.drop(client)) await client.query(createKeys(this.mirror, this.name));
    else await client.query(emptyKeys(this.name));
    if (indexed) await client.query(indexKeys(this.name));
  }

  /** Whether there is a table of them, as a re-baseline under way needs. */
  async exist(client: pg.ClientBase): Promise<boolean> {
    const { rows } = await client.query<{ found: string | null }>('SELECT to_regclass($1) AS found', [
      this.name,
    ]);
    return (rows[0]?.found ?? null) !== null;
  }

  /** Adds keys that are in no staging table: of rows in quarantine, which are no reason to delete. */
  async add(client: pg.PoolClient, rows: readonly RowId[]): Promise<void> {
    if (rows.length === 0) return;
    await client.query(addKeys(this.mirror, this.name), keyParameters(this.mirror, rows));
  }

  /** What a sweep would do. */
  async count(client: pg.ClientBase): Promise<SweepCounts> {
    await client.query(`ANALYZE ${this.name}`);
    const { rows } = await client.query<{ unseen: number; rows: number }>(
      countUnseen(this.mirror, this.name),
    );
    return rows[0] ?? { unseen: 0, rows: 0 };
  }

  /** Some of the rows that were not seen. */
  async some(client: pg.ClientBase, count: number): Promise<RowId[]> {
    return (await client.query<RowId & pg.QueryResultRow>(someUnseen(this.mirror, this.name), [count])).rows;
  }

  /**
   * Deletes the rows that were not seen, and forgets the keys.
   *
   * @param rewound their versions are of a time that the environment went back from.
   * @returns how many rows.
   */
  async sweep(client: pg.PoolClient, rewound: boolean): Promise<number> {
    // Rows that stay as marked ones come to life under whatever version the environment then gives out.
    const forget = forgetVersions(this.mirror, this.name, false);
    if (rewound && this.mirror.hasMarks && forget !== undefined) await client.query(forget);
    const swept = await client.query(sweepUnseen(this.mirror, this.name));
    await assertSwept(client, this.mirror, this.name);
    await this.drop(client);
    return swept.rowCount ?? 0;
  }

  /**
   * A dump of the database has all of its tables locked for as long as it takes. No table is to stand
   * still for that: keys that cannot be dropped now are of no use, and go when the next load begins.
   */
  private async drop(client: pg.PoolClient): Promise<boolean> {
    return whereLocksAllow(client, async () => client.query(`DROP TABLE IF EXISTS ${this.name}`));
  }
}
