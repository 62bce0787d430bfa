import { wireProperty, type Column } from '../definitions/column.ts';
import {
  optionSetOf,
  withAddedColumn,
  withColumn,
  withOption,
  withOptionSet,
  withoutColumn,
  convertedLiteral,
  type ColumnChanges,
} from './definition-changes.ts';
import { FileBodies } from './file-bodies.ts';
import { ModelHistory, type ModelMoment } from './model-history.ts';
import type { LocalizedText } from '../definitions/metadata-members.ts';
import { BUILT_IN_MODEL } from '../tables/built-in-model.ts';
import type { Option, OptionSet } from '../definitions/option-set.ts';
import { Random } from '../seeding/random.ts';
import { draftOf, setIfPresent, rowKey, StoredRow, type RowDraft } from './stored-row.ts';
import { RowSeeder } from '../seeding/row-seeder.ts';
import {
  PARTITION,
  TableData,
  type LiteralConversion,
  type TableFinder,
  type TableSnapshot,
} from './table-data.ts';
import { columnNamed, type TableDefinition } from '../definitions/emulated-table.ts';
import type { RowListener } from './row-listener.ts';
import { trueLiterals, trueRows, type TrueRow } from './true-row.ts';
import type { WireInput } from './wire-value.ts';

export interface StoreOptions {
  readonly tables?: readonly TableDefinition[];
  readonly firstVersion?: bigint;
  readonly seed?: number;
  readonly now?: () => number;
}

/** A state to which a store can be reset, as an administrator restores an environment from a backup. */
export interface StoreSnapshot {
  readonly version: bigint;
  readonly model: ModelMoment;
  readonly tables: ReadonlyMap<string, TableSnapshot>;
  readonly unpublished: ReadonlyMap<string, DefinitionChanges>;
}

/** Changes of a table. Its name cannot change. */
export type DefinitionChanges = Partial<Omit<TableDefinition, 'logicalName'>>;

/** The data of an emulated organization: model, rows, row versions and delete log. */
export class DataverseStore {
  organizationId = '6fb0a1c4-33d7-4c6e-9a0e-52a9f1c77e01';
  businessUnitId = '0b5ec9a8-7f51-4a2d-8f27-1c9d4e6b3a10';
  readonly random: Random;
  readonly #now: () => number;
  #tables = new Map<string, TableData>();
  /** Changes that take effect when the table is published. */
  #unpublished = new Map<string, DefinitionChanges>();
  #version: bigint;
  readonly modelHistory = new ModelHistory();
  onChange: RowListener | null = null;
  readonly bodies = new FileBodies();
  #columnsMade = 0;
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

  /** The version of the last write by the counter that counts the rows of a table. */
  versionOf(data: TableData): bigint {
    return data.ownVersion ?? this.#version;
  }

  /** The row version of the last write anywhere in the organization. */
  get currentVersion(): bigint {
    return this.#version;
  }

  /** Grows with every change of the model, like the annotation globalmetadataversion. */
  get metadataVersion(): number {
    return this.modelHistory.version;
  }

  /** The rows of a table and their bookkeeping, for the handlers that serve them. */
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

  /**
   * Creates a row and returns its id. Values are keyed by property (`_ownerid_value`) or logical name. On elastic
   * tables `partitionid` is part of the key: one id may have a row in each partition.
   */
  insert(
    table: string,
    values: Readonly<Record<string, WireInput>>,
    id: string = this.random.guid(),
  ): string {
    const data = this.data(table);
    const draft = this.#draft(data, id);
    this.#assignAll(data, draft, values);
    return this.#create(data, id, draft);
  }

  /** Changes columns of a row, which gives it a new row version. The partition of a row never changes. */
  update(
    table: string,
    id: string,
    values: Readonly<Record<string, WireInput>>,
    partition: string | null = null,
  ): void {
    const data = this.data(table);
    const row = this.#existing(data, id, partition);
    const draft = draftOf(row);
    setIfPresent(data.positions, draft, 'modifiedon', this.#timestamp());
    this.#assignAll(data, draft, values);
    if (data.keyOf(row.id, draft.literals) !== row.key) throw new Error(`${PARTITION} cannot be changed`);
    this.#put(data, row.id, draft);
  }

  /** Changes columns without a new row version, as calculated columns change when other data changes. */
  recalculate(table: string, id: string, values: Readonly<Record<string, WireInput>>): void {
    const data = this.data(table);
    const row = this.#existing(data, id);
    const draft = draftOf(row);
    this.#assignAll(data, draft, values);
    data.replace(new StoredRow(row.id, row.version, draft.literals, draft.lookupTables, row.key));
  }

  /** Deletes a row: the delete log gets a tombstone, and the recycle bin gets the row. */
  remove(table: string, id: string, partition: string | null = null): void {
    const data = this.data(table);
    const row = this.#existing(data, id, partition);
    this.onChange?.('Delete', table, row.id);
    data.bury(row, { id: row.id, key: row.key, version: this.#nextVersion(data), deletedAt: this.#now() });
  }

  /** Restores a deleted row from the recycle bin, with its old id and a new row version. */
  restore(table: string, id: string, partition: string | null = null): void {
    const data = this.data(table);
    const row = data.bin.get(rowKey(id, partition));
    if (row === undefined) throw new Error(`${table} ${id} is not in the recycle bin`);
    const draft = draftOf(row);
    setIfPresent(data.positions, draft, 'modifiedon', this.#timestamp());
    this.#put(data, row.id, draft);
  }

  /** Ids of the deleted rows of a table that can be restored. */
  restorable(table: string): string[] {
    return [...this.data(table).bin.values()].map((row) => row.id);
  }

  /** Forgets the deletes before the given time, by default all. Tokens from before that time cannot be answered then. */
  purgeTombstones(before = Number.POSITIVE_INFINITY): void {
    for (const data of this.#tables.values()) {
      for (const tombstone of data.tombstones.values()) {
        if (tombstone.deletedAt < before) data.forget(tombstone);
      }
    }
  }

  /** The current rows of a table. */
  rows(table: string): IterableIterator<TrueRow> {
    return trueRows(this.data(table));
  }

  /**
   * The exact JSON literal of every property of every row, as it goes over the wire; null for null. The rows are
   * keyed by {@link rowKey}: by id, and on elastic tables by id and partition.
   */
  truth(table: string): Map<string, Map<string, string | null>> {
    return trueLiterals(this.data(table));
  }

  /**
   * Adds `count` invented rows and returns their ids. The same generator state gives the same rows. `firstIndex` is
   * the index of the first row; rows of low indexes have the values that are hard to carry.
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
      // Invented texts may have characters that a partition may not. Every fourth row has no partition.
      if (data.definition.tableType === 'Elastic') {
        setIfPresent(data.positions, draft, PARTITION, index % 4 === 3 ? null : `"device-${index % 7}"`);
      }
      ids.push(this.#create(data, id, draft));
    }
    return ids;
  }

  addTable(definition: TableDefinition): void {
    this.#tables.set(definition.logicalName, TableData.empty(definition));
    this.modelHistory.record(definition.logicalName, undefined);
  }

  removeTable(table: string): void {
    this.modelHistory.record(table, this.data(table).definition);
    this.#tables.delete(table);
    this.#unpublished.delete(table);
  }

  /** Adds a column, null in every existing row, with its label companions. No row version changes. */
  addColumn(table: string, column: Column): void {
    const { definition } = this.data(table);
    this.#redefine(table, { columns: withAddedColumn(definition, column, ++this.#columnsMade) });
  }

  /** Removes a column and its companions. Links that still select it fail from then on. */
  removeColumn(table: string, logicalName: string): void {
    this.#redefine(table, { columns: withoutColumn(this.data(table).definition, logicalName) });
  }

  /**
   * Changes the kind, the date behaviour or anything else of a column, except its name. Values that the new kind
   * cannot hold become null: see {@link convertedLiteral}. No row version changes. A new kind makes a new column.
   */
  retypeColumn(table: string, logicalName: string, changes: ColumnChanges): void {
    const { definition } = this.data(table);
    const before = columnNamed(definition, logicalName);
    const columns = withColumn(definition, logicalName, changes, ++this.#columnsMade);
    const after = columns.find((column) => column.logicalName === logicalName);
    if (before === undefined || after === undefined) return;
    const retyped = wireProperty(after);
    this.#redefine(table, { columns }, (property, literal) =>
      property === retyped ? convertedLiteral(literal, before, after) : literal,
    );
  }

  /** Renames a table for its readers. */
  renameTable(table: string, displayName: LocalizedText): void {
    this.#relabel(table, { displayName });
  }

  /** Renames a column for its readers. */
  renameColumn(table: string, logicalName: string, displayName: LocalizedText): void {
    this.#relabel(table, { columns: withColumn(this.data(table).definition, logicalName, { displayName }) });
  }

  /** Renames an option, in every column that shares the option set. */
  renameOption(table: string, logicalName: string, value: number, label: LocalizedText): void {
    const set = optionSetOf(this.data(table).definition, logicalName);
    if (!set.options.some((option) => option.value === value)) {
      throw new Error(`${table}.${logicalName} has no option ${value}`);
    }
    this.#changeOptions(set, withOption(set, { value, label }));
  }

  /** Adds an option, to every column that shares the option set. */
  addOption(table: string, logicalName: string, option: Option): void {
    const set = optionSetOf(this.data(table).definition, logicalName);
    this.#changeOptions(set, withOption(set, option));
  }

  /** Changes a definition; the change takes effect with the next publication, as with the Web API. */
  customize(table: string, changes: DefinitionChanges): void {
    this.data(table);
    this.#unpublished.set(table, { ...this.#unpublished.get(table), ...changes });
  }

  /** Puts the customizations of tables into effect. */
  publish(tables: Iterable<string> = [...this.#unpublished.keys()]): void {
    for (const table of tables) {
      const changes = this.#unpublished.get(table);
      this.#unpublished.delete(table);
      if (changes !== undefined) this.#relabel(table, changes);
    }
  }

  /** Changes anything else of a definition, such as switching change tracking on. */
  redefineTable(table: string, changes: DefinitionChanges): void {
    this.#redefine(table, changes);
  }

  /** The state of the whole store. It is cheap because it shares the rows. */
  snapshot(): StoreSnapshot {
    return {
      version: this.#version,
      model: this.modelHistory.moment(),
      tables: new Map([...this.#tables].map(([name, data]) => [name, data.snapshot()])),
      unpublished: new Map(this.#unpublished),
    };
  }

  /** Restores an earlier state with its row versions. Later tokens are then ahead of the data. */
  resetTo(snapshot: StoreSnapshot): void {
    this.#version = snapshot.version;
    this.modelHistory.goBackTo(snapshot.model);
    this.#tables = new Map([...snapshot.tables].map(([name, each]) => [name, new TableData(each)]));
    this.#unpublished = new Map(snapshot.unpublished);
  }

  #redefine(table: string, changes: DefinitionChanges, convert?: LiteralConversion): void {
    const data = this.data(table);
    const redefinedAt = { version: this.#nextVersion(data), at: this.#now() };
    this.modelHistory.record(table, data.definition);
    data.redefine({ ...data.definition, ...changes }, redefinedAt, convert);
  }

  /** Changes a definition but no values of rows, so that tokens stay valid. */
  #relabel(table: string, changes: DefinitionChanges): void {
    const data = this.data(table);
    this.modelHistory.record(table, data.definition);
    data.redefine({ ...data.definition, ...changes }, data.redefinedAt);
  }

  #changeOptions(before: OptionSet, after: OptionSet): void {
    for (const [table, { definition }] of this.#tables) {
      const columns = withOptionSet(definition, before, after);
      if (columns !== null) this.#relabel(table, { columns });
    }
  }

  /** A new row with the values that the platform fills in. */
  #draft(data: TableData, id: string): RowDraft {
    const key = id.toLowerCase();
    const draft: RowDraft = { literals: data.properties.map(() => null), lookupTables: new Map() };
    setIfPresent(data.positions, draft, data.definition.primaryIdAttribute, JSON.stringify(key));
    setIfPresent(data.positions, draft, 'createdon', this.#timestamp());
    setIfPresent(data.positions, draft, 'modifiedon', this.#timestamp());
    setIfPresent(data.positions, draft, 'statecode', '0');
    return draft;
  }

  #assignAll(data: TableData, draft: RowDraft, values: Readonly<Record<string, WireInput>>): void {
    for (const [name, value] of Object.entries(values)) {
      data.assign(draft, data.positionOf(name), value, this.#tableOf);
    }
  }

  #create(data: TableData, id: string, draft: RowDraft): string {
    const key = data.keyOf(id, draft.literals);
    if (data.rows.has(key)) throw new Error(`${data.definition.logicalName} ${key} exists already`);
    return this.#put(data, id.toLowerCase(), draft);
  }

  #put(data: TableData, id: string, draft: RowDraft): string {
    const key = data.keyOf(id, draft.literals);
    this.onChange?.(data.rows.has(key) ? 'Update' : 'Create', data.definition.logicalName, id);
    const isUncounted = data.definition.tableType === 'Virtual' && data.ownVersion === null;
    const version = isUncounted ? 0n : this.#nextVersion(data);
    setIfPresent(data.positions, draft, 'versionnumber', version.toString());
    data.put(new StoredRow(id, version, draft.literals, draft.lookupTables, key));
    data.bin.delete(key);
    return id;
  }

  #existing(data: TableData, id: string, partition: string | null = null): StoredRow {
    const key = rowKey(id, partition);
    const row = data.rows.get(key);
    if (row === undefined) throw new Error(`No ${data.definition.logicalName} with key ${key}`);
    return row;
  }

  readonly #tableOf: TableFinder = (id, candidates) =>
    candidates.find((table) => this.#tables.get(table)?.rows.has(id.toLowerCase()));

  #nextVersion(data: TableData): bigint {
    return data.nextOwnVersion() ?? (this.#version += 1n);
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
