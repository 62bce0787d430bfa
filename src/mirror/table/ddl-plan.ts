import { Failure } from '../../model/failure.ts';
import { distribute } from '../citus/citus-statements.ts';
import { POSTGRES_TYPE } from './column-sql.ts';
import { describeChange, driftOf, type DriftPolicy, type ExistingTable, type Verdict } from './drift.ts';
import { quoteIdentifier, quoteLiteral } from './identifier.ts';
import { createPartitions, partitionedBy, partitionNames } from './partitions/partition-layout.ts';
import {
  columnName,
  DELETED_AT,
  type MirrorColumn,
  MIRRORED_AT,
  mirrorTable,
  type MirrorTable,
} from './mirror-table.ts';

/**
 * Makes PostgreSQL keep a row in one piece as long as it fits a page. By default it moves values of 25 bytes,
 * one by one, out of rows of more than 2 kB. With 400 columns that takes five times as long, and half as much
 * room again. (PostgreSQL manual, CREATE TABLE, Storage Parameters.)
 */
export const KEPT_TOGETHER = 'toast_tuple_target = 8160';

export interface PlanOptions {
  readonly policy: DriftPolicy;
  /** Columns that the catalog knows and the source no longer has. */
  readonly removed: readonly string[];
  /** Suffix for columns kept under another name, as 20261121. */
  readonly day: string;
  /** Deletes are hard, and rows that are marked deleted stay for now. */
  readonly keepsMarks?: boolean;
  /** Partitions of a table that is made; null or absent for none. */
  readonly partitions?: number | null | undefined;
}

export interface DdlPlan {
  /** The mirror table after the statements: without columns that the policy holds back. */
  readonly mirror: MirrorTable;
  /** Statements to run, in order; none when the mirror table already fits. */
  readonly statements: readonly string[];
  /** The differences at the source, and what the policy says to each. */
  readonly changes: readonly Verdict[];
  /** Existing rows lack values of some columns, so the table has to be re-baselined. */
  readonly refills: boolean;
  /** Names of columns that change or go. No view of ours may use them meanwhile. */
  readonly altered: readonly string[];
  /** Columns come, go or change, our own among them, so labels and views have to follow. */
  readonly reshapes: boolean;
}

/** Changes that leave the mirror table with its columns. */
const IN_PLACE: ReadonlySet<Verdict['kind']> = new Set(['removed', 'widened', 'remade']);

/** The most columns that one table may ever have had; dropped ones count. */
const MOST_COLUMNS = 1_600;

/**
 * Plans the statements that make the mirror table fit the source, as far as the policy lets it. No value is
 * thrown away, except the plain values of a column that is hashed from now on.
 *
 * @throws Failure `drift` when key or version change their type, `too-many-columns`.
 */
export function planTable(
  mirror: MirrorTable,
  existing: ExistingTable | undefined,
  options: PlanOptions,
): DdlPlan {
  if (existing === undefined) {
    checkRoom(mirror, mirror.columns.length + 2);
    const distribution =
      mirror.distributed === undefined
        ? []
        : [distribute(mirror.qualified, columnName(mirror, mirror.keyField))];
    const statements = [
      ...createTable(mirror, options.partitions ?? null),
      ...comments(mirror, undefined),
      ...distribution,
    ];
    return { mirror, statements, changes: [], refills: false, altered: [], reshapes: true };
  }
  const changes = driftOf(mirror, existing, options.removed, options.policy, options.day);
  const heldBack = new Set(
    changes.flatMap((change) =>
      change.kind === 'added' && change.policy !== 'apply' ? [change.column.name] : [],
    ),
  );
  const hasMarks = mirror.softDeletes || (options.keepsMarks === true && existing.columns.has(DELETED_AT));
  const effective = { ...(heldBack.size === 0 ? mirror : withoutColumns(mirror, heldBack)), hasMarks };
  const applied = changes.filter(({ policy }) => policy === 'apply');
  const more = applied.filter(({ kind }) => !IN_PLACE.has(kind)).length;
  checkRoom(mirror, existing.slots + more);
  const columns = applied.flatMap((change) => alterColumn(effective, change, options.day));
  const own = ownColumns(effective, existing);
  const statements = [
    ...(existing.unlogged === true ? [`ALTER TABLE ${mirror.qualified} SET LOGGED`] : []),
    ...(existing.layout?.unlogged ?? []).map((partition) => `ALTER TABLE ${partition} SET LOGGED`),
    ...columns,
    ...own.statements,
    ...comments(effective, withoutReplaced(existing, applied)),
  ];
  return {
    mirror: effective,
    statements,
    changes,
    refills:
      applied.some(({ kind }) => kind !== 'removed') ||
      effective.columns.some(({ identifier }) => existing.columns.get(identifier)?.removed === true),
    altered: [
      ...applied.flatMap((change) => {
        if (change.kind === 'hashed') return [change.column.identifier, ...change.inTheClear];
        return change.kind === 'widened' ? [change.column.identifier] : [];
      }),
      ...own.dropped,
    ],
    reshapes: applied.length > 0 || own.statements.length > 0,
  };
}

/** @throws Failure when the policy forbids a change that the table cannot go on without. */
export function assertAllowed(plan: DdlPlan): void {
  const blocking = plan.changes.filter(({ kind, policy }) => kind !== 'added' && policy !== 'apply');
  const [first] = blocking;
  if (first === undefined) return;
  const table = plan.mirror.table.logicalName;
  const asks = first.policy === 'ask';
  const keys = new Set(
    blocking.map(({ kind }) => (kind === 'removed' ? 'drift.columnRemoved' : 'drift.columnRetyped')),
  );
  throw new Failure({
    code: asks ? 'drift-unconfirmed' : 'drift-refused',
    message: `Table ${table} has changed at the source: ${blocking.map(describeChange).join('; ')}.`,
    remedy: asks
      ? `Look at it with \`mirrorverse plan ${table}\` and let it happen with \`mirrorverse plan ${table} --apply\`.`
      : `The configuration refuses such changes: set ${[...keys].join(' and ')} to apply or ask.`,
    details: { table },
  });
}

/** Describes the changes that wait for a person's yes; null when none do. */
export function pendingChanges(plan: DdlPlan): string | null {
  const waiting = plan.changes.filter(({ policy }) => policy === 'ask');
  return waiting.length === 0 ? null : `${waiting.map(describeChange).join('; ')}.`;
}

/** A column that is made anew has no comment yet, whatever comment the former one had. */
function withoutReplaced(existing: ExistingTable, applied: readonly Verdict[]): ExistingTable {
  const columns = new Map(existing.columns);
  for (const change of applied) {
    if (change.kind === 'replaced' || change.kind === 'hashed') columns.delete(change.column.identifier);
  }
  return { ...existing, columns };
}

/** Goes by the column: the attribute of a new companion, such as a lookup's, may have a column already. */
function withoutColumns(mirror: MirrorTable, names: ReadonlySet<string>): MirrorTable {
  // Both lists are in the same order, but the names in the mirror may be different.
  const columns = mirror.table.columns.filter((_, at) => !names.has(mirror.columns[at]?.name ?? ''));
  const { schema, softDeletes, distributed } = mirror;
  const without = mirrorTable({ ...mirror.table, columns }, schema, softDeletes);
  return distributed === undefined ? without : { ...without, distributed };
}

function checkRoom(mirror: MirrorTable, needed: number): void {
  if (needed <= MOST_COLUMNS) return;
  const { logicalName: table } = mirror.table;
  throw new Failure({
    code: 'too-many-columns',
    message: `Table ${table} would need ${needed} columns; PostgreSQL takes ${MOST_COLUMNS}, dropped ones counted.`,
    remedy: `Leave out ${needed - MOST_COLUMNS} or more: name them in columns.exclude of table ${table}, by patterns such as new_*.`,
    details: { table, columns: needed },
  });
}

/** A row with more columns is wide because of their number. Storing its texts apart would not help. */
const MANY_COLUMNS = 100;

function createTable(mirror: MirrorTable, partitions: number | null): string[] {
  const columns = mirror.columns.map((column) => definition(column));
  const own = [
    `${quoteIdentifier(MIRRORED_AT)} timestamptz NOT NULL DEFAULT now()`,
    ...(mirror.softDeletes ? [`${quoteIdentifier(DELETED_AT)} timestamptz`] : []),
    uniqueKey(mirror),
  ];
  const storage = storageOf(mirror);
  const made = `CREATE TABLE ${mirror.qualified} (\n  ${[...columns, ...own].join(',\n  ')}\n)`;
  if (partitions === null) return [`${made}${storage}`];
  const names = partitionNames(mirror.identifier, partitions);
  const parts = createPartitions(mirror.schema, mirror.identifier, names, storage);
  return [`${made}${partitionedBy(mirror)}`, ...parts];
}

/** SQL: the storage parameters of a mirror table or of its partitions; empty for none. */
export function storageOf({ columns }: MirrorTable): string {
  return columns.length > MANY_COLUMNS ? ` WITH (${KEPT_TOGETHER})` : '';
}

/** A partition may be null, which a primary key cannot hold. Null counts as a partition like any other. */
export function uniqueKey(mirror: MirrorTable): string {
  const key = columnName(mirror, mirror.keyField);
  if (mirror.partitionField === undefined) return `PRIMARY KEY (${key})`;
  return `UNIQUE NULLS NOT DISTINCT (${key}, ${columnName(mirror, mirror.partitionField)})`;
}

function alterColumn(mirror: MirrorTable, change: Verdict, day: string): string[] {
  if (change.kind === 'removed' || change.kind === 'remade') return [];
  const { column } = change;
  const table = `ALTER TABLE ${mirror.qualified}`;
  const name = quoteIdentifier(column.identifier);
  const add = `${table} ADD COLUMN ${definition(column)}`;
  const fixed = [mirror.table.key, mirror.table.version, mirror.table.partition].includes(column.name);
  if (change.kind === 'added') return [add];
  if (change.kind === 'hashed') {
    const gone = [column.identifier, ...change.inTheClear];
    return [...gone.map((each) => `${table} DROP COLUMN ${quoteIdentifier(each)}`), add];
  }
  if (fixed) throw keyRetyped(mirror, column, change.from);
  if (change.kind === 'widened') {
    const type = POSTGRES_TYPE[column.type];
    return [`${table} ALTER COLUMN ${name} TYPE ${type} USING ${name}::${type}`];
  }
  const kept = quoteIdentifier(change.keptAs);
  const note = `As it was until ${day}, when the source changed it from ${change.from} to ${POSTGRES_TYPE[column.type]}.`;
  return [
    `${table} RENAME COLUMN ${name} TO ${kept}`,
    `COMMENT ON COLUMN ${mirror.qualified}.${kept} IS ${quoteLiteral(note)}`,
    add,
  ];
}

/** Plans our own columns: the statements that add the wanted ones, and the ones that go. */
function ownColumns(
  mirror: MirrorTable,
  existing: ExistingTable,
): { readonly statements: readonly string[]; readonly dropped: readonly string[] } {
  const table = `ALTER TABLE ${mirror.qualified}`;
  const deletedAt = quoteIdentifier(DELETED_AT);
  const statements: string[] = [];
  if (!existing.columns.has(MIRRORED_AT)) {
    statements.push(`${table} ADD COLUMN ${quoteIdentifier(MIRRORED_AT)} timestamptz NOT NULL DEFAULT now()`);
  }
  if (mirror.softDeletes && !existing.columns.has(DELETED_AT)) {
    statements.push(`${table} ADD COLUMN ${deletedAt} timestamptz`);
  }
  if (mirror.hasMarks || !existing.columns.has(DELETED_AT)) return { statements, dropped: [] };
  // Deletes are hard from now on: marked rows are deleted, and no mark stays that could be misread.
  statements.push(
    `DELETE FROM ${mirror.qualified} WHERE ${deletedAt} IS NOT NULL`,
    `${table} DROP COLUMN ${deletedAt}`,
  );
  return { statements, dropped: [DELETED_AT] };
}

function definition(column: MirrorColumn): string {
  return `${quoteIdentifier(column.identifier)} ${POSTGRES_TYPE[column.type]}`;
}

/** COMMENT ON for the table, and for each column whose comment has to change. */
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

/** These columns identify and order the rows. A changed type means that it is another table. */
function keyRetyped(mirror: MirrorTable, column: MirrorColumn, found: string): Failure {
  return new Failure({
    code: 'drift',
    message: `Column ${mirror.qualified}.${quoteIdentifier(column.identifier)} is ${found}, but the source's attribute ${column.attribute} needs ${POSTGRES_TYPE[column.type]}. mirrorverse tells rows apart by this column.`,
    remedy: `Rename the mirror table (ALTER TABLE ${mirror.qualified} RENAME TO …); the table is then loaded into a new one by itself.`,
    details: { table: mirror.table.logicalName, column: column.name },
  });
}
