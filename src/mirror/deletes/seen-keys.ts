import type pg from 'pg';
import { distribute } from '../citus/citus-statements.ts';
import type { RowId } from '../../model/page.ts';
import { qualifiedName, shortenIdentifier } from '../table/identifier.ts';
import {
  addKeys,
  countUnseen,
  createKeys,
  deletion,
  emptyKeys,
  forgetVersions,
  indexKeys,
  isAmong,
  isLive,
  isUnseen,
  keyArrays,
  someUnseen,
  sweepUnseen,
} from '../page/merge-sql.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import type { StateStore } from '../state/store.ts';
import { whereLocksAllow } from '../connection/strong-lock.ts';
import { assertSwept, rowsSwallowed } from '../page/swallowed-rows.ts';
import type { SweepCounts } from './sweep-limits.ts';

/** The tables of a re-baseline, each with its schema, quoted. */
export interface SeenTables {
  /** Keys of the rows that the re-baseline has seen. */
  readonly seen: string;
  /** Keys of rows that it has seen outside of the table's filter. They are not among the seen ones. */
  readonly outside: string;
}

export function seenTables({ schema, environmentId }: StateStore, table: string): SeenTables {
  const named = (what: string): string =>
    qualifiedName(schema, shortenIdentifier(`${what}_${environmentId}_${table}`));
  return { seen: named('seen'), outside: named('outside') };
}

/**
 * The keys that a re-baseline has seen, in a table of their own: marking the rows themselves would rewrite
 * every unchanged row. The table lives from the re-baseline's first page to its sweep. Each change is part of
 * a page's transaction, so the table survives a crash together with its checkpoint.
 */
export class SeenKeys {
  /** The table's name with its schema, quoted. */
  readonly name: string;
  private readonly outside: string;
  private readonly mirror: MirrorTable;

  constructor(store: StateStore, mirror: MirrorTable) {
    const { seen, outside } = seenTables(store, mirror.table.logicalName);
    this.name = seen;
    this.outside = outside;
    this.mirror = mirror;
  }

  /** Empties the table. @param indexed makes an index, because each row that comes is looked up. */
  async begin(client: pg.PoolClient, indexed: boolean): Promise<void> {
    if (await this.drop(client)) {
      await client.query(createKeys(this.mirror, this.name));
      if (this.mirror.distributed !== undefined) await client.query(distribute(this.name, 'key'));
    } else await client.query(emptyKeys(this.name));
    if (this.mirror.filter !== undefined) await this.beginOutside(client);
    if (indexed) await client.query(indexKeys(this.name));
  }

  private async beginOutside(client: pg.ClientBase): Promise<void> {
    if (await isThere(client, this.outside)) await client.query(emptyKeys(this.outside));
    else await client.query(createKeys(this.mirror, this.outside));
  }

  /** Whether the tables exist that a re-baseline under way needs. */
  async exist(client: pg.ClientBase): Promise<boolean> {
    if (!(await isThere(client, this.name))) return false;
    return this.mirror.filter === undefined || isThere(client, this.outside);
  }

  /** Adds the keys of a page's rows. */
  async add(client: pg.PoolClient, rows: readonly RowId[]): Promise<void> {
    if (rows.length === 0) return;
    await client.query(addKeys(this.mirror, this.name), keyArrays(this.mirror, rows));
  }

  /** Adds the keys of rows that the filter keeps out. */
  async addOutside(client: pg.PoolClient, rows: readonly RowId[]): Promise<void> {
    if (rows.length === 0) return;
    await client.query(addKeys(this.mirror, this.outside), keyArrays(this.mirror, rows));
  }

  /**
   * Deletes the rows that the re-baseline has seen outside of the filter alone. Nobody is asked about them, because the
   * environment has said what they are.
   *
   * @param rewound as for `sweep`.
   * @returns how many rows.
   */
  async sweepOutside(client: pg.PoolClient, rewound: boolean): Promise<number> {
    const { mirror, outside, name } = this;
    if (mirror.filter === undefined) return 0;
    await client.query(`ANALYZE ${name}; ANALYZE ${outside}`);
    const isMeant = `${isUnseen(mirror, name)} AND ${isAmong(mirror, outside)}`;
    const forget = forgetVersions(mirror, name, false);
    if (rewound && mirror.hasMarks && forget !== undefined) {
      await client.query(`${forget} AND ${isAmong(mirror, outside)}`);
    }
    const { rowCount } = await client.query(deletion(mirror, isMeant));
    const { rows } = await client.query<{ count: number }>(
      `SELECT count(*)::float8 AS count FROM ${mirror.qualified} m WHERE ${isLive(mirror)} AND ${isMeant}`,
    );
    const [{ count } = { count: 0 }] = rows;
    if (count > 0) throw await rowsSwallowed(client, mirror, count);
    return rowCount ?? 0;
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
   * Drops the tables, unless somebody keeps one locked. A dump locks all tables for as long as it takes, and no
   * table shall wait for that. Keys that cannot be dropped now are useless, and go when the next load begins.
   */
  private async drop(client: pg.PoolClient): Promise<boolean> {
    return whereLocksAllow(client, async () =>
      client.query(`DROP TABLE IF EXISTS ${this.name}, ${this.outside}`),
    );
  }
}

async function isThere(client: pg.ClientBase, table: string): Promise<boolean> {
  const { rows } = await client.query<{ found: string | null }>('SELECT to_regclass($1) AS found', [table]);
  return (rows[0]?.found ?? null) !== null;
}
