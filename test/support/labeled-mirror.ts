import { refreshViews } from '../../src/mirror/views/refresh-views.ts';
import type { ViewReport } from '../../src/mirror/views/apply-views.ts';
import type { LabelLanguages } from '../../src/mirror/labels/label-tables.ts';
import { writeLabels } from '../../src/mirror/labels/write-labels.ts';
import { transaction } from '../../src/mirror/connection/postgres.ts';
import { registerTables, takeLease } from '../../src/mirror/lease/leases.ts';
import type { TableLabels } from '../../src/model/option-labels.ts';
import type { Column, ColumnType, Table } from '../../src/model/table.ts';
import type { TestMirror } from './mirror.ts';

/** A lookup that may point at several tables, as the two columns it becomes. */
export function polymorphic(name: string, targets: readonly string[]): Column[] {
  const property = `_${name}_value`;
  return [
    { name, type: 'uuid', attribute: name, property, selectable: true, targets },
    {
      name: `${name}_entitytype`,
      type: 'text',
      attribute: name,
      property: `${property}@Microsoft.Dynamics.CRM.lookuplogicalname`,
      selectable: false,
    },
  ];
}

function plain(name: string, type: ColumnType): Column {
  return { name, type, attribute: name, property: name, selectable: true };
}

/** A table whose key is `<name>id`; columns by name and type, or whole. */
export function tableOf(
  logicalName: string,
  columns: readonly (readonly [name: string, type: ColumnType] | Column)[],
  more: Partial<Table> = {},
): Table {
  return {
    logicalName,
    entitySet: `${logicalName}s`,
    key: `${logicalName}id`,
    version: 'versionnumber',
    columns: [
      plain(`${logicalName}id`, 'uuid'),
      plain('versionnumber', 'bigint'),
      ...columns.map((each) => ('type' in each ? each : plain(each[0], each[1]))),
    ],
    ...more,
  };
}

/** What is done with labels and views of one mirror. */
export class LabeledMirror {
  readonly test: TestMirror;
  languages: LabelLanguages = { preferred: undefined, base: 1033 };

  constructor(test: TestMirror) {
    this.test = test;
  }

  /** Makes a mirror table. */
  async prepare(table: Table, softDeletes = false): Promise<void> {
    const { mirror } = this.test;
    const { store } = mirror;
    await transaction(mirror.pool, async (client) => registerTables(store.on(client), [table.logicalName]));
    const taken = await takeLease(store, table.logicalName, 'test', mirror.options.leaseDuration);
    if (taken === null) throw new Error('the lease is held by another');
    await mirror.prepare(table, softDeletes, taken.lease);
  }

  async label(labels: TableLabels): Promise<number> {
    const { pool, options } = this.test.mirror;
    return transaction(pool, async (client) => writeLabels(client, options.schema, labels));
  }

  async refresh(...tables: string[]): Promise<ViewReport> {
    const { pool, options, store } = this.test.mirror;
    return refreshViews(pool, {
      schema: options.schema,
      stateSchema: options.stateSchema,
      environmentId: store.environmentId,
      viewSchema: 'dataverse_labeled',
      languages: this.languages,
      tables,
    });
  }

  /** Names and types of a view's columns, in their order. */
  async shape(view: string): Promise<string[]> {
    const rows = await this.test.database.query<{ column: string }>(
      `SELECT attname || ' ' || format_type(atttypid, atttypmod) AS column FROM pg_attribute
        WHERE attrelid = to_regclass($1) AND attnum > 0 ORDER BY attnum`,
      [view],
    );
    return rows.map(({ column }) => column);
  }
}
