import type { Column } from './column.ts';
import { BUILT_IN_MODEL } from './model/built-in-model.ts';
import { withCompanions } from './model/companion-columns.ts';
import { Random } from './random.ts';
import { RowSeeder } from './row-seeder.ts';
import { StoredRow } from './stored-row.ts';
import { TableData, type RowDraft, type TableFinder, type TableSnapshot } from './table-data.ts';
import type { TableDefinition } from './table-definition.ts';
import { valueOf, type WireInput, type WireValue } from './wire-value.ts';

export interface StoreOptions {
  readonly tables?: readonly TableDefinition[];
  /** The row version before the first write. Live ones are well above 2^31. */
  readonly firstVersion?: bigint;
  /** Seed of the generator that invents row ids. */
  readonly seed?: number;
  readonly now?: () => number;
}

/** A row as the truth: what a mirror of the table must hold. */
export interface TrueRow {
  readonly id: string;
  readonly version: bigint;
  readonly values: ReadonlyMap<string, WireValue>;
  /** Where a lookup with several possible targets points, by property name. */
  readonly lookupTables: ReadonlyMap<string, string>;
}

/** A point in time to which a store can be reset, as an environment is restored from a backup. */
export interface StoreSnapshot {
  readonly version: bigint;
  readonly metadataVersion: number;
  readonly tables: ReadonlyMap<string, TableSnapshot>;
}

/** The data of an emulated organization: model, rows, row versions and delete log. */
export class DataverseStore {
  organizationId = '6fb0a1c4-33d7-4c6e-9a0e-52a9f1c77e01';
  businessUnitId = '0b5ec9a8-7f51-4a2d-8f27-1c9d4e6b3a10';
  readonly random: Random;
  readonly #now: () => number;
  #tables = new Map<string, TableData>();
  #version: bigint;
  #metadataVersion = 80_869_047;
  #second = Number.NaN;
  #secondLiteral = '';

  constructor(options: StoreOptions = {}) {
    this.#version = options.firstVersion ?? 12_644_418_993n;
    this.random = new Random(options.seed ?? 1);
    this.#now = options.now ?? Date.now;
    for (const definition of options.tables ?? BUILT_IN_MODEL) this.addTable(definition);
  }

  /** The definitions by logical name. */
  get tables(): ReadonlyMap<string, TableDefinition> {
    return new Map([...this.#tables].map(([name, data]) => [name, data.definition]));
  }

  has(table: string): boolean {
    return this.#tables.has(table);
  }

  /** The row version of the last write anywhere in the organization. */
  get currentVersion(): bigint {
    return this.#version;
  }

  /** Grows with every change of the model, like the annotation globalmetadataversion. */
  get metadataVersion(): number {
    return this.#metadataVersion;
  }

  /** The rows of a table and their bookkeeping, for those who serve them. */
  data(table: string): TableData {
    const data = this.#tables.get(table);
    if (data === undefined) throw new Error(`No table ${table}`);
    return data;
  }

  /** The table behind an entity set, or undefined. Entity set names are case-sensitive. */
  bySet(entitySetName: string): TableData | undefined {
    for (const data of this.#tables.values()) {
      if (data.definition.entitySetName === entitySetName) return data;
    }
    return undefined;
  }

  /** Creates a row and returns its id. Values are keyed by property (`_ownerid_value`) or logical name. */
  insert(
    table: string,
    values: Readonly<Record<string, WireInput>>,
    id: string = this.random.guid(),
  ): string {
    const data = this.data(table);
    const draft = this.#draft(data, id);
    this.#assignAll(data, draft, values);
    return this.#put(data, id.toLowerCase(), draft);
  }

  /** Changes columns of a row, which gives it a new row version. */
  update(table: string, id: string, values: Readonly<Record<string, WireInput>>): void {
    const data = this.data(table);
    const row = this.#existing(data, id);
    const draft = draftOf(row);
    setIfPresent(data, draft, 'modifiedon', this.#timestamp());
    this.#assignAll(data, draft, values);
    this.#put(data, row.id, draft);
  }

  /** Changes columns without a new row version, as calculated columns do when something else changes. */
  recalculate(table: string, id: string, values: Readonly<Record<string, WireInput>>): void {
    const data = this.data(table);
    const row = this.#existing(data, id);
    const draft = draftOf(row);
    this.#assignAll(data, draft, values);
    data.replace(new StoredRow(row.id, row.version, draft.literals, draft.lookupTables));
  }

  /** Deletes a row: it leaves a tombstone in the delete log and lies in the recycle bin. */
  remove(table: string, id: string): void {
    const data = this.data(table);
    const row = this.#existing(data, id);
    data.bury(row, { id: row.id, version: this.#nextVersion(), deletedAt: this.#now() });
  }

  /** Takes a deleted row out of the recycle bin, under its old id and with a new row version. */
  restore(table: string, id: string): void {
    const data = this.data(table);
    const row = data.bin.get(id.toLowerCase());
    if (row === undefined) throw new Error(`${table} ${id} is not in the recycle bin`);
    const draft = draftOf(row);
    setIfPresent(data, draft, 'modifiedon', this.#timestamp());
    this.#put(data, row.id, draft);
  }

  /** Ids of the deleted rows of a table that can be restored. */
  restorable(table: string): string[] {
    return [...this.data(table).bin.keys()];
  }

  /** Forgets deletes older than the given time, or all of them. A token from before can no longer be answered. */
  purgeTombstones(before = Number.POSITIVE_INFINITY): void {
    for (const data of this.#tables.values()) {
      for (const tombstone of data.tombstones.values()) {
        if (tombstone.deletedAt < before) data.forget(tombstone);
      }
    }
  }

  /** The current rows of a table. */
  *rows(table: string): IterableIterator<TrueRow> {
    const data = this.data(table);
    const { properties } = data;
    for (const row of data.rows.values()) {
      const values = new Map<string, WireValue>();
      for (const [position, property] of properties.entries()) {
        values.set(property, valueOf(row.literals[position] ?? null));
      }
      yield { id: row.id, version: row.version, values, lookupTables: row.lookupTables };
    }
  }

  /** The exact JSON literal of every property of every row, as it goes over the wire; null for null. */
  truth(table: string): Map<string, Map<string, string | null>> {
    const data = this.data(table);
    const { properties } = data;
    const truth = new Map<string, Map<string, string | null>>();
    for (const row of data.rows.values()) {
      truth.set(row.id, new Map(properties.map((each, position) => [each, row.literals[position] ?? null])));
    }
    return truth;
  }

  /**
   * Adds `count` invented rows, reproducible for the same generator state, and returns their ids. The first
   * rows of a table, counted from `firstIndex`, go through the values that are hard to carry.
   */
  seed(table: string, count: number, random: Random = this.random, firstIndex = 0): string[] {
    const data = this.data(table);
    const seeder = new RowSeeder(this, data);
    const ids: string[] = [];
    for (let index = firstIndex; index < firstIndex + count; index += 1) {
      const id = random.guid();
      const draft = this.#draft(data, id);
      for (const [position, value] of seeder.values(index, random).entries()) {
        if (value !== undefined) data.assign(draft, position, value, this.#tableOf);
      }
      ids.push(this.#put(data, id, draft));
    }
    return ids;
  }

  addTable(definition: TableDefinition): void {
    this.#tables.set(
      definition.logicalName,
      new TableData({ definition, rows: [], tombstones: [], bin: [], redefinedAt: null }),
    );
    this.#metadataVersion += 1;
  }

  removeTable(table: string): void {
    this.data(table);
    this.#tables.delete(table);
    this.#metadataVersion += 1;
  }

  /** Adds a column, null in every existing row, with its label companions. No row version changes. */
  addColumn(table: string, column: Column): void {
    const { definition } = this.data(table);
    this.#redefine(table, { columns: [...definition.columns, ...withCompanions([column])] });
  }

  /** Removes a column and its companions. Links that still select it fail from then on. */
  removeColumn(table: string, logicalName: string): void {
    const { definition } = this.data(table);
    const columns = definition.columns.filter(
      (column) => column.logicalName !== logicalName && column.attributeOf !== logicalName,
    );
    if (columns.length === definition.columns.length)
      throw new Error(`${table} has no column ${logicalName}`);
    this.#redefine(table, { columns });
  }

  /** Changes anything else of a definition, such as switching change tracking on. */
  redefineTable(table: string, changes: Partial<Omit<TableDefinition, 'logicalName'>>): void {
    this.#redefine(table, changes);
  }

  /** The state of everything, cheap because rows are shared. */
  snapshot(): StoreSnapshot {
    return {
      version: this.#version,
      metadataVersion: this.#metadataVersion,
      tables: new Map([...this.#tables].map(([name, data]) => [name, data.snapshot()])),
    };
  }

  /** Restores an earlier point in time, row versions included: tokens given since are now ahead of the data. */
  resetTo(snapshot: StoreSnapshot): void {
    this.#version = snapshot.version;
    this.#metadataVersion = snapshot.metadataVersion;
    this.#tables = new Map([...snapshot.tables].map(([name, each]) => [name, new TableData(each)]));
  }

  #redefine(table: string, changes: Partial<TableDefinition>): void {
    const data = this.data(table);
    const redefinedAt = { version: this.#nextVersion(), at: this.#now() };
    data.redefine({ ...data.definition, ...changes }, redefinedAt);
    this.#metadataVersion += 1;
  }

  /** A new row with what the platform itself fills in. */
  #draft(data: TableData, id: string): RowDraft {
    const key = id.toLowerCase();
    if (data.rows.has(key)) throw new Error(`${data.definition.logicalName} ${key} exists already`);
    const draft: RowDraft = { literals: data.properties.map(() => null), lookupTables: new Map() };
    setIfPresent(data, draft, data.definition.primaryIdAttribute, JSON.stringify(key));
    setIfPresent(data, draft, 'createdon', this.#timestamp());
    setIfPresent(data, draft, 'modifiedon', this.#timestamp());
    setIfPresent(data, draft, 'statecode', '0');
    return draft;
  }

  #assignAll(data: TableData, draft: RowDraft, values: Readonly<Record<string, WireInput>>): void {
    for (const [name, value] of Object.entries(values)) {
      data.assign(draft, data.positionOf(name), value, this.#tableOf);
    }
  }

  #put(data: TableData, id: string, draft: RowDraft): string {
    const version = data.definition.tableType === 'Virtual' ? 0n : this.#nextVersion();
    setIfPresent(data, draft, 'versionnumber', version.toString());
    data.put(new StoredRow(id, version, draft.literals, draft.lookupTables));
    data.bin.delete(id);
    return id;
  }

  #existing(data: TableData, id: string): StoredRow {
    const row = data.rows.get(id.toLowerCase());
    if (row === undefined) throw new Error(`No ${data.definition.logicalName} with id ${id}`);
    return row;
  }

  readonly #tableOf: TableFinder = (id, candidates) =>
    candidates.find((table) => this.#tables.get(table)?.rows.has(id.toLowerCase()));

  #nextVersion(): bigint {
    this.#version += 1n;
    return this.#version;
  }

  /** The JSON literal of the current time, in whole seconds. */
  #timestamp(): string {
    const second = Math.floor(this.#now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondLiteral = `"${new Date(second * 1000).toISOString().slice(0, 19)}Z"`;
    }
    return this.#secondLiteral;
  }
}

function draftOf(row: StoredRow): RowDraft {
  return { literals: [...row.literals], lookupTables: new Map(row.lookupTables) };
}

function setIfPresent(data: TableData, draft: RowDraft, property: string, literal: string): void {
  const position = data.positions.get(property);
  if (position !== undefined) draft.literals[position] = literal;
}
