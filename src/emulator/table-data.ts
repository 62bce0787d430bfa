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

/** A row in the making. */
export interface RowDraft {
  readonly literals: (string | null)[];
  readonly lookupTables: Map<string, string>;
}

/** Finds which of several tables holds a row. */
export type TableFinder = (id: string, candidates: readonly string[]) => string | undefined;

/** The definition, rows, delete log and recycle bin of one table. */
export class TableData {
  definition: TableDefinition;
  redefinedAt: TableRedefinition | null;
  rowColumns: readonly Column[];
  /** The property name of each row column. */
  properties: readonly string[];
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
    this.properties = this.rowColumns.map(wireProperty);
    this.positions = positionsOf(this.properties);
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
    this.properties = this.rowColumns.map(wireProperty);
    this.positions = positionsOf(this.properties);
    const sources = this.properties.map((property) => before.get(property));
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

  /** The position of a column given by property or logical name. */
  positionOf(name: string): number {
    const position = this.positions.get(name) ?? this.positions.get(`_${name}_value`);
    if (position === undefined) throw new Error(`Table ${this.definition.logicalName} has no column ${name}`);
    return position;
  }

  /** Sets one value in the making of a row; a lookup with several possible targets resolves to one. */
  assign(draft: RowDraft, position: number, value: WireInput, tableOf: TableFinder): void {
    draft.literals[position] = literalOf(value);
    const column = this.rowColumns[position];
    const property = this.properties[position];
    if (column === undefined || property === undefined || column.targets.length < 2) return;
    if (!isLookupKind(column.kind)) return;
    if (value === null) draft.lookupTables.delete(property);
    else if (isLookupReference(value)) draft.lookupTables.set(property, value.table);
    else if (typeof value === 'string') {
      const target = tableOf(value, column.targets) ?? column.targets[0];
      if (target !== undefined) draft.lookupTables.set(property, target);
    }
  }

  #byVersion(): StoredRow[] {
    return [...this.rows.values()].sort((a, b) => (a.version < b.version ? -1 : 1));
  }
}

function positionsOf(properties: readonly string[]): Map<string, number> {
  return new Map(properties.map((property, position) => [property, position]));
}
