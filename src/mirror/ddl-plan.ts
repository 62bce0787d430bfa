import { Failure } from '../model/failure.ts';
import { POSTGRES_TYPE } from './column-sql.ts';
import { quoteIdentifier, quoteLiteral } from './identifier.ts';
import { columnName, DELETED_AT, MIRRORED_AT, type MirrorColumn, type MirrorTable } from './mirror-table.ts';

/** The mirror table as it stands in PostgreSQL. */
export interface ExistingTable {
  readonly comment: string | null;
  readonly columns: ReadonlyMap<string, { readonly type: string; readonly comment: string | null }>;
}

export interface DdlPlan {
  /** Statements to run, in order; none when the mirror table is as it should be. */
  readonly statements: readonly string[];
  /** Columns that a table which was already there gains. */
  readonly added: readonly MirrorColumn[];
}

/**
 * What it takes to make the mirror table as the source describes it. Columns are only ever added:
 * one that the source no longer has keeps its values.
 *
 * @throws Failure `drift` when a column is there with another type.
 */
export function planTable(mirror: MirrorTable, existing: ExistingTable | undefined): DdlPlan {
  return existing === undefined
    ? { statements: [createTable(mirror), ...comments(mirror, undefined)], added: [] }
    : alterTable(mirror, existing);
}

function createTable(mirror: MirrorTable): string {
  const columns = mirror.columns.map((column) => definition(column));
  const own = [
    `${quoteIdentifier(MIRRORED_AT)} timestamptz NOT NULL DEFAULT now()`,
    ...(mirror.softDeletes ? [`${quoteIdentifier(DELETED_AT)} timestamptz`] : []),
    `PRIMARY KEY (${columnName(mirror, mirror.keyField)})`,
  ];
  return `CREATE TABLE ${mirror.qualified} (\n  ${[...columns, ...own].join(',\n  ')}\n)`;
}

function alterTable(mirror: MirrorTable, existing: ExistingTable): DdlPlan {
  const added = mirror.columns.filter((column) => !existing.columns.has(column.identifier));
  const statements = added.map(
    (column) => `ALTER TABLE ${mirror.qualified} ADD COLUMN ${definition(column)}`,
  );
  if (!existing.columns.has(MIRRORED_AT)) {
    statements.push(
      `ALTER TABLE ${mirror.qualified} ADD COLUMN ${quoteIdentifier(MIRRORED_AT)} timestamptz NOT NULL DEFAULT now()`,
    );
  }
  if (mirror.softDeletes && !existing.columns.has(DELETED_AT)) {
    statements.push(`ALTER TABLE ${mirror.qualified} ADD COLUMN ${quoteIdentifier(DELETED_AT)} timestamptz`);
  }
  if (!mirror.softDeletes && existing.columns.has(DELETED_AT)) {
    // Deletes are hard from now on: what was only marked goes, and no mark is left to be misread.
    const deletedAt = quoteIdentifier(DELETED_AT);
    statements.push(
      `DELETE FROM ${mirror.qualified} WHERE ${deletedAt} IS NOT NULL`,
      `ALTER TABLE ${mirror.qualified} DROP COLUMN ${deletedAt}`,
    );
  }
  for (const column of mirror.columns) {
    const found = existing.columns.get(column.identifier);
    if (found !== undefined && found.type !== POSTGRES_TYPE[column.type]) {
      throw retyped(mirror, column, found.type);
    }
  }
  return { statements: [...statements, ...comments(mirror, existing)], added };
}

function definition(column: MirrorColumn): string {
  return `${quoteIdentifier(column.identifier)} ${POSTGRES_TYPE[column.type]}`;
}

/** COMMENT ON for the table and each column whose text differs from the one that is there. */
function comments(mirror: MirrorTable, existing: ExistingTable | undefined): string[] {
  const wanted = commentText(mirror.table);
  const table =
    wanted === null || wanted === existing?.comment
      ? []
      : [`COMMENT ON TABLE ${mirror.qualified} IS ${quoteLiteral(wanted)}`];
  const columns = mirror.columns.flatMap((column) => {
    const text = commentText(column);
    if (text === null || text === existing?.columns.get(column.identifier)?.comment) return [];
    return [
      `COMMENT ON COLUMN ${mirror.qualified}.${quoteIdentifier(column.identifier)} IS ${quoteLiteral(text)}`,
    ];
  });
  return [...table, ...columns];
}

function commentText(of: { readonly displayName?: string; readonly description?: string }): string | null {
  const parts = [of.displayName, of.description].filter((part) => part !== undefined);
  return parts.length === 0 ? null : parts.join(': ').replaceAll('\0', '');
}

function retyped(mirror: MirrorTable, column: MirrorColumn, found: string): Failure {
  const name = `${mirror.qualified}.${quoteIdentifier(column.identifier)}`;
  return new Failure({
    code: 'drift',
    reaction: 'stop-table',
    message: `Column ${name} is ${found}, but the source's attribute ${column.attribute} needs ${POSTGRES_TYPE[column.type]}.`,
    remedy: `Rename the column (ALTER TABLE ${mirror.qualified} RENAME COLUMN ${quoteIdentifier(column.identifier)} TO …); the table is then re-baselined into a new one by itself.`,
    details: { table: mirror.table.logicalName, column: column.name },
  });
}
