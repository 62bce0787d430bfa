import type { PoolClient } from 'pg';
import type { TestDatabase } from '../database.ts';
import { eventually } from '../command-line.ts';

/** A row as text of JSON, without nulls: a column that was added is null in rows that have no change since. */
type Rows = Map<string, string>;

interface LoggedChange {
  readonly position: string;
  readonly table: string;
  readonly key: string;
  readonly operation: 'b' | 'c' | 'u' | 'd';
  readonly xact: string;
  readonly before: string | null;
  readonly after: string | null;
}

interface Copy {
  readonly rows: Rows;
  /** What the copy was made with; it has the changes of all transactions that are visible there. */
  readonly snapshot: string;
}

const CONSUMER = 'driver';
/** Milliseconds in which transactions of other tests end. */
const OTHERS_END = 90_000;

/**
 * Follows the change log as a consumer does: it takes a table where the log has a marker, and then applies each change.
 * So every change has to fit what came before it, and at the end the copies have to be the mirror.
 */
export class FollowedLog {
  private readonly database: TestDatabase;
  private readonly tables: readonly string[];
  private readonly copies = new Map<string, Copy>();
  private readonly problems: string[] = [];
  private last: Promise<void> = Promise.resolve();

  constructor(database: TestDatabase, tables: readonly string[]) {
    this.database = database;
    this.tables = tables;
  }

  /** Reads what the log has now. Calls wait for each other. */
  async follow(): Promise<void> {
    const before = this.last;
    const following = before.then(async () => this.read());
    this.last = following;
    await following;
  }

  /** Reads the whole log while nothing changes. @returns what is wrong, as text for a person. */
  async compare(): Promise<string[]> {
    // Other tests have transactions on the same server, and changes behind them cannot be read yet.
    await eventually(async () => {
      const left = await this.database.query(
        'SELECT FROM mirrorverse.changes WHERE xact >= pg_snapshot_xmin(pg_current_snapshot()) LIMIT 1',
      );
      return left.length === 0;
    }, OTHERS_END);
    await this.follow();
    const problems = this.problems.splice(0);
    const client = await this.database.pool.connect();
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      for (const table of this.tables) {
        const { rows } = await copyOf(client, table);
        problems.push(...differences(table, this.copies.get(table)?.rows ?? new Map(), rows));
      }
      await client.query('COMMIT');
    } finally {
      client.release();
    }
    return problems;
  }

  private async read(): Promise<void> {
    const client = await this.database.pool.connect();
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      const { rows: changes } = await client.query<LoggedChange>(
        `SELECT c.position::text AS position, c.table_name AS table, concat_ws(',', c.key, c.partition) AS key, c.operation,
                c.xact::text AS xact, jsonb_strip_nulls(c.before)::text AS before, jsonb_strip_nulls(c.after)::text AS after
           FROM mirrorverse.read_changes($1, 100000) c`,
        [CONSUMER],
      );
      for (const change of changes) {
        if (change.operation === 'b') this.copies.set(change.table, await copyOf(client, change.table));
        else this.apply(change);
      }
      const last = changes.at(-1);
      if (last !== undefined) await client.query('SELECT mirrorverse.ack($1, $2)', [CONSUMER, last.position]);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  }

  private apply({ table, key, operation, xact, before, after }: LoggedChange): void {
    // A load that is in the log row by row begins with no row.
    const copy = this.copies.get(table) ?? { rows: new Map<string, string>(), snapshot: '1:1:' };
    this.copies.set(table, copy);
    if (isVisible(BigInt(xact), copy.snapshot)) return;
    const is = copy.rows.get(key) ?? null;
    if (is !== before) this.problems.push(`${table}: ${operation} of ${key}: before is ${before}, was ${is}`);
    if ((operation === 'c') !== (before === null) || (operation === 'd') !== (after === null))
      this.problems.push(`${table}: ${operation} of ${key} has the wrong rows`);
    if (after === null) copy.rows.delete(key);
    else copy.rows.set(key, after);
  }
}

/** Whether what a transaction did is visible in a snapshot, as PostgreSQL prints it. The transaction has ended. */
function isVisible(xact: bigint, snapshot: string): boolean {
  const [xmin = '', xmax = '', running = ''] = snapshot.split(':');
  return xact < BigInt(xmin) || (xact < BigInt(xmax) && !running.split(',').includes(String(xact)));
}

/** A mirror table as it is now; empty where there is none. */
async function copyOf(client: PoolClient, table: string): Promise<Copy> {
  const { rows: found } = await client.query<{ columns: string[] | null; snapshot: string }>(
    `SELECT pg_current_snapshot()::text AS snapshot, (SELECT array_agg(attname::text) FROM pg_attribute
       WHERE attrelid = to_regclass(format('dataverse.%I', $1::text)) AND attnum > 0 AND NOT attisdropped) AS columns`,
    [table],
  );
  const { columns = null, snapshot = '' } = found[0] ?? {};
  if (columns === null) return { rows: new Map(), snapshot };
  const live = columns.includes('_deleted_at') ? 'WHERE _deleted_at IS NULL' : '';
  const { rows } = await client.query<{ key: string; row: string }>(
    `SELECT "${table}id"::text AS key, jsonb_strip_nulls(to_jsonb(t) - '_mirrored_at' - '_deleted_at')::text AS row
       FROM dataverse."${table}" t ${live}`,
  );
  return { rows: new Map(rows.map(({ key, row }) => [key, row])), snapshot };
}

function differences(table: string, replayed: Rows, mirror: Rows): string[] {
  const keys = new Set([...replayed.keys(), ...mirror.keys()]);
  const wrong = [...keys].filter((key) => replayed.get(key) !== mirror.get(key)).slice(0, 3);
  return wrong.map(
    (key) =>
      `${table}: replayed, ${key} is ${replayed.get(key) ?? 'not there'}; in the mirror, it is ${mirror.get(key) ?? 'not there'}`,
  );
}
