import { isLookupKind } from './attribute-kind.ts';
import { isInRows, wireProperty, type Column } from './column.ts';
import type { Random } from './random.ts';
import { sqlServerOrder } from './sql-server-guid-order.ts';
import { StoredRow } from './stored-row.ts';
import type { TableDefinition } from './table-definition.ts';
import { VersionLog } from './version-log.ts';
import type { WireInput } from './wire-value.ts';
import { isLookupReference, literalOf } from './wire-value.ts';

/** The trace a deleted row leaves in the delete log. */
export interface Tombstone {
  readonly id: string;
  readonly version: bigint;
  readonly deletedAt: number;
}

/** What a snapshot keeps of a table. Rows are immutable, so they are shared and not copied. */
export interface TableSnapshot {
  readonly definition: TableDefinition;
  readonly rows: readonly StoredRow[];
  readonly tombstones: readonly Tombstone[];
  readonly bin: readonly StoredRow[];
  readonly redefinedAt: TableRedefinition | null;
}

/** When the columns of a table last changed. */
export interface TableRedefinition {
  readonly version: bigint;
  readonly at: number;
}

/** The definition, rows, delete log and recycle bin of one table. */
export class TableData {
  definition: TableDefinition;
  redefinedAt: TableRedefinition | null;
  rowColumns: readonly Column[];
  positions: ReadonlyMap<string, number>;
  rows: Map<string, StoredRow>;
  rowLog: VersionLog<StoredRow>;
  tombstones: Map<string, Tombstone>;
  tombstoneLog: VersionLog<Tombstone>;
  bin: Map<string, StoredRow>;
  #ordered: StoredRow[] | null = null;
  /** Ids to pick from; some may be gone again. */
  #ids: string[];

  constructor(snapshot: TableSnapshot) {
    this.definition = snapshot.definition;
    this.redefinedAt = snapshot.redefinedAt;
    this.rowColumns = snapshot.definition.columns.filter(isInRows);
    this.positions = positionsOf(this.rowColumns);
    const rows = snapshot.rows.toSorted((a, b) => (a.version < b.version ? -1 : 1));
    this.rows = new Map(rows.map((row) => [row.id, row]));
    this.rowLog = new VersionLog((row) => this.rows.get(row.id) === row, rows);
    const tombstones = snapshot.tombstones.toSorted((a, b) => (a.version < b.version ? -1 : 1));
    this.tombstones = new Map(tombstones.map((tombstone) => [tombstone.id, tombstone]));
    this.tombstoneLog = new VersionLog((each) => this.tombstones.get(each.id) === each, tombstones);
    this.bin = new Map(snapshot.bin.map((row) => [row.id, row]));
    this.#ids = [...this.rows.keys()];
  }

  snapshot(): TableSnapshot {
    return {
      definition: this.definition,
      rows: [...this.rows.values()],
      tombstones: [...this.tombstones.values()],
      bin: [...this.bin.values()],
      redefinedAt: this.redefinedAt,
    };
  }

  put(row: StoredRow): void {
    if (this.rows.has(row.id)) this.rowLog.noteStale();
    else this.#ids.push(row.id);
    this.rows.set(row.id, row);
    this.rowLog.append(row);
    this.#ordered = null;
  }

  /** Replaces a row without giving it a new version, as the recomputation of a calculated column does. */
  replace(row: StoredRow): void {
    this.rows.set(row.id, row);
    this.rowLog = new VersionLog((each) => this.rows.get(each.id) === each, this.#byVersion());
    this.#ordered = null;
  }

  bury(row: StoredRow, tombstone: Tombstone): void {
    this.rows.delete(row.id);
    this.rowLog.noteStale();
    this.bin.set(row.id, row);
    if (this.tombstones.has(row.id)) this.tombstoneLog.noteStale();
    this.tombstones.set(row.id, tombstone);
    this.tombstoneLog.append(tombstone);
    this.#ordered = null;
  }

  forget(tombstone: Tombstone): void {
    if (this.tombstones.delete(tombstone.id)) this.tombstoneLog.noteStale();
  }

  /** Rows in the order of their ids as SQL Server sorts uniqueidentifiers, the default order of plain reads. */
  ordered(): readonly StoredRow[] {
    if (this.#ordered === null) {
      const keyed = [...this.rows.values()].map((row) => ({ key: sqlServerOrder(row.id), row }));
      keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
      this.#ordered = keyed.map((each) => each.row);
    }
    return this.#ordered;
  }

  /** The id of some row, or undefined when there is none. */
  anyId(random: Random): string | undefined {
    for (let attempt = 0; attempt < 8 && this.#ids.length > 0; attempt += 1) {
      const id = random.pick(this.#ids);
      if (this.rows.has(id)) return id;
    }
    this.#ids = [...this.rows.keys()];
    return this.#ids.length === 0 ? undefined : random.pick(this.#ids);
  }

  /** Gives the table other columns; rows keep the values of those that stay. */
  redefine(definition: TableDefinition, redefinedAt: TableRedefinition): void {
    const before = this.positions;
    this.definition = definition;
    this.redefinedAt = redefinedAt;
    this.rowColumns = definition.columns.filter(isInRows);
    this.positions = positionsOf(this.rowColumns);
    const sources = [...this.positions.keys()].map((property) => before.get(property));
    const rebuild = (row: StoredRow): StoredRow =>
      new StoredRow(
        row.id,
        row.version,
        sources.map((position) => (position === undefined ? null : (row.literals[position] ?? null))),
        row.lookupTables,
      );
    this.rows = new Map([...this.rows].map(([id, row]) => [id, rebuild(row)]));
    this.bin = new Map([...this.bin].map(([id, row]) => [id, rebuild(row)]));
    this.rowLog = new VersionLog((row) => this.rows.get(row.id) === row, this.#byVersion());
    this.#ordered = null;
  }

  /** Sets values in a row's literals, by property or logical name; lookups resolve to their target table. */
  assign(
    values: Readonly<Record<string, WireInput>>,
    literals: (string | null)[],
    lookupTables: Map<string, string>,
    tableOf: (id: string, candidates: readonly string[]) => string | undefined,
  ): void {
    for (const name of Object.keys(values)) {
      const value = values[name];
      if (value === undefined) continue;
      const property = this.positions.has(name) ? name : `_${name}_value`;
      const position = this.positions.get(property);
      const column = position === undefined ? undefined : this.rowColumns[position];
      if (position === undefined || column === undefined) {
        throw new Error(`Table ${this.definition.logicalName} has no column ${name}`);
      }
      literals[position] = literalOf(value);
      if (!isLookupKind(column.kind) || column.targets.length < 2) continue;
      if (value === null) lookupTables.delete(property);
      else if (isLookupReference(value)) lookupTables.set(property, value.table);
      else if (typeof value === 'string') {
        const target = tableOf(value, column.targets) ?? column.targets[0];
        if (target !== undefined) lookupTables.set(property, target);
      }
    }
  }

  #byVersion(): StoredRow[] {
    return [...this.rows.values()].sort((a, b) => (a.version < b.version ? -1 : 1));
  }
}

function positionsOf(columns: readonly Column[]): Map<string, number> {
  return new Map(columns.map((column, position) => [wireProperty(column), position]));
}
