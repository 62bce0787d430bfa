import type { Column } from '../../../src/emulator/definitions/column.ts';
import type { DataverseEmulator } from '../../../src/emulator/dataverse-emulator.ts';
import type { DataverseStore } from '../../../src/emulator/store/dataverse-store.ts';
import type { TrueRow } from '../../../src/emulator/store/true-row.ts';
import {
  dateTime,
  decimal,
  double,
  integer,
  memo,
  text,
} from '../../../src/emulator/table-parts/column-kinds.ts';
import type { TableDefinition } from '../../../src/emulator/definitions/emulated-table.ts';
import { smallTable } from '../small-table.ts';
import type { SourceChange } from './scenario.ts';

/** Fewer rows a table is not left with, but by being emptied on purpose. */
const FEWEST = 4;
/** More bad rows than this stop a table. */
const MOST_POISONED = 5;
const POISON = 'not\u0000storable';

const KINDS: readonly ((schemaName: string) => Column)[] = [
  (name) => text(name, [name, name]),
  (name) => memo(name, [name, name]),
  (name) => integer(name, [name, name]),
  (name) => decimal(name, [name, name], 4),
  (name) => double(name, [name, name]),
  (name) => dateTime(name, [name, name]),
  (name) => dateTime(name, [name, name], 'DateOnly'),
];

/** A table of the driver: a name, a few columns of different kinds, and what every table has. */
export function driverTable(number: number): TableDefinition {
  const table = smallTable(`new_Thing${number}`);
  const columns = KINDS.slice(1).map((kind, at) => kind(`new_Column${at}`));
  return { ...table, columns: [...table.columns, ...columns] };
}

/** An organization whose users do what a scenario says, with a note of what a mirror may look like. */
export class Source {
  readonly tables: readonly string[];
  /** Tables that had no row for a while, so that an empty mirror table is right. */
  readonly emptied = new Set<string>();
  /** Columns came, went or changed: what a process knows of them may be old. */
  columnsChanged = false;
  private readonly emulator: DataverseEmulator;
  private readonly store: DataverseStore;
  private columnsAdded = 0;

  constructor(emulator: DataverseEmulator, tables: readonly string[]) {
    this.emulator = emulator;
    this.store = emulator.store;
    this.tables = tables;
  }

  /** Does nothing where there is no such row or column. */
  apply(change: SourceChange): void {
    if (change.do === 'expire-links') {
      this.emulator.settings.expireTokens();
      return;
    }
    const table = pick(this.tables, change.table) ?? '';
    switch (change.do) {
      case 'insert':
        this.store.seed(table, change.count, this.store.random, this.store.random.integer(0, 60));
        return;
      case 'update':
        for (const id of this.someRows(table, change)) this.update(table, id);
        return;
      case 'delete':
        for (const id of this.someRows(table, change)) {
          if (this.ids(table).length > FEWEST) this.store.remove(table, id);
        }
        return;
      case 'restore': {
        const id = pick(this.store.restorable(table), change.row);
        if (id !== undefined) this.store.restore(table, id);
        return;
      }
      case 'delete-and-restore':
      case 'insert-again': {
        const id = pick(this.ids(table), change.row);
        if (id === undefined) return;
        this.store.remove(table, id);
        if (change.do === 'insert-again') this.store.insert(table, { new_name: 'again' }, id);
        else this.store.restore(table, id);
        return;
      }
      case 'empty':
        this.emptied.add(table);
        for (const id of this.ids(table)) this.store.remove(table, id);
        return;
      case 'poison': {
        const id = pick(this.ids(table), change.row);
        if (id !== undefined && this.poisoned(table).length < MOST_POISONED)
          this.store.update(table, id, { new_name: POISON });
        return;
      }
      case 'mend':
        this.mend(table);
        return;
      case 'add-column':
        this.columnsChanged = true;
        this.store.addColumn(table, newColumn(change.kind, `new_Added${this.columnsAdded++}`));
        return;
      case 'remove-column':
      case 'retype-column': {
        const column = pick(this.ownColumns(table), change.column);
        if (column === undefined) return;
        this.columnsChanged = true;
        if (change.do === 'remove-column') this.store.removeColumn(table, column);
        else this.store.retypeColumn(table, column, kindOf(change.kind));
        return;
      }
    }
  }

  /** Rows that have a value PostgreSQL cannot hold. */
  poisoned(table: string): TrueRow[] {
    return [...this.store.rows(table)].filter(({ values }) => values.get('new_name') === POISON);
  }

  mend(table: string): void {
    for (const { id } of this.poisoned(table)) this.store.update(table, id, { new_name: 'mended' });
  }

  private ids(table: string): string[] {
    return Array.from(this.store.rows(table), ({ id }) => id);
  }

  private someRows(
    table: string,
    { row, count }: { readonly row: number; readonly count: number },
  ): string[] {
    const ids = this.ids(table);
    const chosen = Array.from({ length: count }, (_, at) => pick(ids, row + at * 7));
    return [...new Set(chosen)].filter((id) => id !== undefined);
  }

  private update(table: string, id: string): void {
    const { random } = this.store;
    const column = pick(this.ownColumns(table, 'Integer'), random.integer(0, 9));
    const name = { new_name: `updated ${random.integer(0, 999)}` };
    this.store.update(table, id, column === undefined ? name : { [column]: random.integer(-5, 5) });
  }

  private ownColumns(table: string, kind?: Column['kind']): string[] {
    return this.store
      .data(table)
      .rowColumns.filter((column) => /^new_(column|added)/.test(column.logicalName))
      .filter((column) => kind === undefined || column.kind === kind)
      .map((column) => column.logicalName);
  }
}

function newColumn(kind: number, name: string): Column {
  return (pick(KINDS, kind) ?? memo)(name, [name, name]);
}

/** What makes any column one of another kind. */
function kindOf(kind: number): Partial<Column> {
  const {
    logicalName: _,
    schemaName: _schemaName,
    displayName: _displayName,
    ...rest
  } = newColumn(kind, 'x');
  return rest;
}

function pick<T>(items: readonly T[], at: number): T | undefined {
  return items.length === 0 ? undefined : items[at % items.length];
}
