import { mirrorTable, type MirrorTable } from '../../src/mirror/table/mirror-table.ts';
import type { Column, ColumnType, Table } from '../../src/model/table.ts';

export function column(name: string, type: ColumnType, labels: Partial<Column> = {}): Column {
  return { name, type, attribute: name, property: name, selectable: true, ...labels };
}

/** A small table: key, version, and the columns given. */
export function sampleTable(columns: readonly Column[] = [], labels: Partial<Table> = {}): Table {
  return {
    logicalName: 'account',
    entitySet: 'accounts',
    key: 'accountid',
    version: 'versionnumber',
    columns: [column('accountid', 'uuid'), column('versionnumber', 'bigint'), ...columns],
    ...labels,
  };
}

export function sampleMirror(columns: readonly Column[] = [], softDeletes = false): MirrorTable {
  return mirrorTable(sampleTable(columns), 'dataverse', softDeletes);
}
