import type { TestDatabase } from '../database.ts';
import type { Planted } from './scenario.ts';

/** Fewer rows a mirror table is not left with: a table that somebody has emptied is loaded anew. */
const FEWEST = 3;

/** A version that no row of a source ever has. It may go down. */
export const IMPOSSIBLE = 10n ** 15n;

interface MirrorRow {
  readonly id: string;
  readonly version: string | null;
}

/**
 * Makes the mirror differ from its source behind the daemon's back, as a person, a restored backup or a defect would,
 * and remembers which rows may differ since. The journals of the driver do not see it.
 */
export class PlantedDifferences {
  private readonly database: Pick<TestDatabase, 'query'>;
  private readonly keys = new Map<string, Set<string>>();
  /** Ids of rows whose version was once set back: a later write of such a row is no step back of ours. */
  readonly lowered = new Set<string>();
  private made = 0;

  constructor(database: Pick<TestDatabase, 'query'>) {
    this.database = database;
  }

  /** The keys of rows that were changed and may still differ. */
  of(table: string): ReadonlySet<string> {
    return this.keys.get(table) ?? new Set();
  }

  /** Forgets rows that are known to differ no longer. */
  keepOnly(table: string, keys: ReadonlySet<string>): void {
    this.keys.set(table, new Set([...this.of(table)].filter((key) => keys.has(key))));
  }

  /** Does nothing where there is no such table, row or column. */
  async plant(table: string, { what, row }: Pick<Planted, 'what' | 'row'>): Promise<void> {
    const columns = await this.columns(table);
    if (columns.size === 0) return;
    const id = `${table}id`;
    const live = columns.has('_deleted_at') ? '_deleted_at IS NULL' : 'true';
    const rows = await this.database.query<MirrorRow>(
      `SELECT "${id}"::text AS id, versionnumber::text AS version FROM dataverse."${table}" WHERE ${live} ORDER BY 1`,
    );
    const chosen = rows[row % Math.max(1, rows.length)];
    if (chosen === undefined) return;
    const change = (set: string): string =>
      `UPDATE dataverse."${table}" SET ${set} WHERE "${id}" = '${chosen.id}'`;
    switch (what) {
      case 'missing':
        if (rows.length > FEWEST)
          await this.run(table, chosen.id, `DELETE FROM dataverse."${table}" WHERE "${id}" = '${chosen.id}'`);
        return;
      case 'marked':
        if (rows.length > FEWEST && columns.has('_deleted_at'))
          await this.run(table, chosen.id, change('_deleted_at = now()'));
        return;
      case 'extra':
      case 'extra-from-the-future': {
        const extra = `00000000-0000-4000-8000-${String(++this.made).padStart(12, '0')}`;
        const version = what === 'extra' ? (chosen.version ?? 1) : IMPOSSIBLE;
        await this.run(
          table,
          extra,
          `INSERT INTO dataverse."${table}" ("${id}", versionnumber, _mirrored_at) VALUES ('${extra}', ${version}, now())`,
        );
        return;
      }
      case 'stale':
        this.lowered.add(chosen.id);
        await this.run(table, chosen.id, change(`versionnumber = versionnumber - 1, new_name = 'old'`));
        return;
      case 'version-from-the-future':
        await this.run(table, chosen.id, change(`versionnumber = ${IMPOSSIBLE}, new_name = 'future'`));
        return;
      case 'no-version':
        await this.run(table, chosen.id, change('versionnumber = NULL'));
        return;
      case 'value':
        await this.run(table, chosen.id, change(`new_name = coalesce(new_name, '') || '!'`));
        return;
      case 'empty':
        await this.run(table, chosen.id, change(`new_name = nullif('', coalesce(new_name, 'x'))`));
        return;
      case 'digit': {
        const number = [...columns].find(([, type]) => type === 'numeric')?.[0];
        if (number !== undefined)
          await this.run(table, chosen.id, change(`"${number}" = coalesce("${number}", 0) + 0.01`));
      }
    }
  }

  private async run(table: string, key: string, statement: string): Promise<void> {
    const planted = this.keys.get(table) ?? new Set();
    this.keys.set(table, planted.add(key));
    await this.database.query(
      `SET session_replication_role = replica; ${statement}; RESET session_replication_role`,
    );
  }

  private async columns(table: string): Promise<ReadonlyMap<string, string>> {
    const rows = await this.database.query<{ name: string; type: string }>(
      `SELECT column_name AS name, data_type AS type FROM information_schema.columns
        WHERE table_schema = 'dataverse' AND table_name = $1`,
      [table],
    );
    return new Map(rows.map(({ name, type }) => [name, type]));
  }
}
