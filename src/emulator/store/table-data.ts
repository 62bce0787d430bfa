import { isLookupKind } from '../definitions/attribute-kind.ts';
import { isInRows, wireProperty, type Column } from '../definitions/column.ts';
import type { Random } from '../seeding/random.ts';
import { rowKey, StoredRow, type RowDraft } from './stored-row.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';
import { VersionLog } from './version-log.ts';
import { isLookupReference, literalOf, type WireInput } from './wire-value.ts';

/** The trace a deleted row leaves in the delete log. */
export interface Tombstone {
  readonly id: string;
  /** The key of the row that was deleted. The delete entry on the wire has only the id. */
  readonly key: string;
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
  /** The version of the last write, if the table has a counter of its own. */
  readonly ownVersion: bigint | null;
}

/** When the columns of a table last changed. */
export interface TableRedefinition {
  readonly version: bigint;
  readonly at: number;
}

/** Finds which of several tables holds a row. */
export type TableFinder = (id: string, candidates: readonly string[]) => string | undefined;

/** Converts the value of a property when the table is redefined. */
export type LiteralConversion = (property: string, literal: string) => string | null;

/** The text column that, with the id, is the key of an elastic table. */
export const PARTITION = 'partitionid';

/** The definition, rows, delete log and recycle bin of one table. */
export class TableData {
  definition: TableDefinition;
  redefinedAt: TableRedefinition | null;
  ownVersion: bigint | null;
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
  /** Keys to pick from. The rows of some may be deleted. */
  #keys: string[];

  constructor(snapshot: TableSnapshot) {
    this.definition = snapshot.definition;
    this.redefinedAt = snapshot.redefinedAt;
    this.ownVersion = snapshot.ownVersion;
    this.rowColumns = snapshot.definition.columns.filter(isInRows);
    this.properties = this.rowColumns.map(wireProperty);
    this.positions = positionsOf(this.properties);
    const rows = snapshot.rows.toSorted((a, b) => (a.version < b.version ? -1 : 1));
    this.rows = new Map(rows.map((row) => [row.key, row]));
    this.rowLog = new VersionLog((row) => this.rows.get(row.key) === row, rows);
    const tombstones = snapshot.tombstones.toSorted((a, b) => (a.version < b.version ? -1 : 1));
    this.tombstones = new Map(tombstones.map((tombstone) => [tombstone.key, tombstone]));
    this.tombstoneLog = new VersionLog((each) => this.tombstones.get(each.key) === each, tombstones);
    this.bin = new Map(snapshot.bin.map((row) => [row.key, row]));
    this.#keys = [...this.rows.keys()];
  }

  static empty(definition: TableDefinition): TableData {
    const ownVersion = definition.ownCounter ?? null;
    return new TableData({
      definition,
      rows: [],
      tombstones: [],
      bin: [],
      redefinedAt: null,
      ownVersion,
    });
  }

  /** Counts a write by the table's own counter; null if the organization counts it. */
  nextOwnVersion(): bigint | null {
    if (this.ownVersion !== null) this.ownVersion += 1n;
    return this.ownVersion;
  }

  snapshot(): TableSnapshot {
    return {
      definition: this.definition,
      rows: [...this.rows.values()],
      tombstones: [...this.tombstones.values()],
      bin: [...this.bin.values()],
      redefinedAt: this.redefinedAt,
      ownVersion: this.ownVersion,
    };
  }

  put(row: StoredRow): void {
    if (this.rows.has(row.key)) this.rowLog.noteStale();
    else this.#keys.push(row.key);
    this.rows.set(row.key, row);
    this.rowLog.append(row);
    this.#ordered = null;
  }

  /** Replaces a row without giving it a new version, as the recomputation of a calculated column does. */
  replace(row: StoredRow): void {
    this.rows.set(row.key, row);
    this.rowLog = new VersionLog((each) => this.rows.get(each.key) === each, this.#byVersion());
    this.#ordered = null;
  }

  bury(row: StoredRow, tombstone: Tombstone): void {
    this.rows.delete(row.key);
    this.rowLog.noteStale();
    this.bin.set(row.key, row);
    if (this.tombstones.has(row.key)) this.tombstoneLog.noteStale();
    this.tombstones.set(row.key, tombstone);
    this.tombstoneLog.append(tombstone);
    this.#ordered = null;
  }

  forget(tombstone: Tombstone): void {
    if (this.tombstones.delete(tombstone.key)) this.tombstoneLog.noteStale();
  }

  /**
   * Rows in the order of their ids as SQL Server sorts uniqueidentifiers, the default order of plain reads. Rows of
   * an elastic table that have one id follow in the order of their partitions.
   */
  ordered(): readonly StoredRow[] {
    if (this.#ordered === null) {
      const keyed = [...this.rows.values()].map((row) => ({ key: positionInOrder(row.key), row }));
      keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
      this.#ordered = keyed.map((each) => each.row);
    }
    return this.#ordered;
  }

  /** Some row, or undefined when there is none. */
  anyRow(random: Random): StoredRow | undefined {
    for (let attempt = 0; attempt < 8 && this.#keys.length > 0; attempt += 1) {
      const row = this.rows.get(random.pick(this.#keys));
      if (row !== undefined) return row;
    }
    this.#keys = [...this.rows.keys()];
    return this.#keys.length === 0 ? undefined : this.rows.get(random.pick(this.#keys));
  }

  /** The id of some row, or undefined when there is none. */
  anyId(random: Random): string | undefined {
    return this.anyRow(random)?.id;
  }

  /** The partition in the values of a row of an elastic table; null for no partition and on other tables. */
  partitionOf(literals: readonly (string | null)[]): string | null {
    const position = this.definition.tableType === 'Elastic' ? this.positions.get(PARTITION) : undefined;
    const literal = position === undefined ? null : (literals[position] ?? null);
    return literal === null ? null : (JSON.parse(literal) as string);
  }

  /** The key of a row with the given id and values. */
  keyOf(id: string, literals: readonly (string | null)[]): string {
    return rowKey(id, this.partitionOf(literals));
  }

  /** Gives the table other columns. Rows keep the values of columns that stay; `convert` converts these values. */
  redefine(
    definition: TableDefinition,
    redefinedAt: TableRedefinition | null,
    convert: LiteralConversion = keep,
  ): void {
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
        sources.map((source, position) => {
          const literal = source === undefined ? null : (row.literals[source] ?? null);
          return literal === null ? null : convert(this.properties[position] ?? '', literal);
        }),
        row.lookupTables,
        row.key,
      );
    this.rows = new Map([...this.rows].map(([key, row]) => [key, rebuild(row)]));
    this.bin = new Map([...this.bin].map(([key, row]) => [key, rebuild(row)]));
    this.rowLog = new VersionLog((row) => this.rows.get(row.key) === row, this.#byVersion());
    this.#ordered = null;
  }

  /** The position of a column given by property or logical name. */
  positionOf(name: string): number {
    const position = this.positions.get(name) ?? this.positions.get(`_${name}_value`);
    if (position === undefined) throw new Error(`Table ${this.definition.logicalName} has no column ${name}`);
    return position;
  }

  /** Sets one value of a draft. A lookup with several possible targets resolves to one of them. */
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

/** The sort key of a row key: the id as SQL Server sorts it, then the partition if there is one. */
export function positionInOrder(key: string): string {
  return sqlServerOrder(key.slice(0, 36)) + key.slice(36);
}

function keep(_property: string, literal: string): string {
  return literal;
}

/**
 * A key that sorts GUIDs as SQL Server sorts uniqueidentifiers: by the last group first, and the first three groups
 * byte by byte from their end. Live paging cookies show this order.
 */
export function sqlServerOrder(guid: string): string {
  const [a = '', b = '', c = '', d = '', e = ''] = guid.split('-');
  return e + d + reversedBytes(c) + reversedBytes(b) + reversedBytes(a);
}

function reversedBytes(hex: string): string {
  let reversed = '';
  for (let index = hex.length - 2; index >= 0; index -= 2) reversed += hex.slice(index, index + 2);
  return reversed;
}
