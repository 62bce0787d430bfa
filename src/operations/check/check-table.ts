import { probeColumns, probeRows, probeTracking } from '../../dataverse/metadata/change-tracking.ts';
import type { Dataverse } from '../../dataverse/dataverse.ts';
import { nameOfOdd } from '../../dataverse/metadata/odd-definitions.ts';
import { fitsPattern } from '../../model/name-pattern.ts';
import type { RowFilter, Column, Table } from '../../model/table.ts';
import { fileColumns, unknownFileColumns, type FileWish } from '../../model/files/file-column.ts';
import type { ResolvedTable, TableEntry } from '../../sync/tables/table-resolution.ts';
import { mirroredPart, unknownNames, type ColumnSelection } from '../../sync/tables/table-selection.ts';
import type { MirrorDatabase } from '../../mirror/database.ts';
import { checkMirrorTable } from './check-mirror-table.ts';
import { bad, failed, good, type Finding } from './finding.ts';

/** What the check of a table needs to know about the table. */
export interface CheckedTable extends TableEntry {
  /** Cron expression, or `adaptive`. */
  readonly schedule: string;
  readonly columns: ColumnSelection;
  /** Which rows are mirrored; absent: all. */
  readonly rows?: RowFilter;
}

/** Checks whether a table can be mirrored, and reports columns that may surprise the reader of the mirror. */
export async function checkTable(
  dataverse: Dataverse,
  entry: ResolvedTable<CheckedTable>,
  hashKeyId: string | undefined,
  database: MirrorDatabase | undefined,
  signal: AbortSignal,
): Promise<Finding[]> {
  const id = `table.${entry.name}`;
  const subject = `table ${entry.name}`;
  try {
    const definition = await dataverse.metadata.table(entry.name, signal, entry.mode);
    const table = mirroredPart(definition, { ...entry, hashKeyId });
    const isSnapshot = entry.mode === 'snapshot';
    if (isSnapshot) await probeRows(dataverse, table, signal);
    else await probeTracking(dataverse, table, signal);
    await probeColumns(dataverse, table, !isSnapshot, signal);
    const how = isSnapshot ? 'readable for snapshots' : 'readable by change tracking';
    return [
      good(id, subject, `${how}, ${table.columns.length} columns`),
      ...(isSnapshot ? [] : tellCounter(id, subject, table)),
      ...checkNames(entry, definition),
      ...checkFileColumns(id, subject, definition, table, entry.columns.files),
      ...checkOdd(id, subject, table, entry.columns),
      ...checkSecured(id, subject, table),
      ...checkDerived(id, subject, table),
      ...(await checkMirrorTable(database, table, definition)),
    ];
  } catch (error) {
    signal.throwIfAborted();
    return [failed(id, subject, error)];
  }
}

/** Reports a table that counts its versions itself, because the read point does not speak of it. */
function tellCounter(id: string, subject: string, { isVirtual, partition }: Table): Finding[] {
  const elastic = partition === undefined ? [] : ['an elastic table'];
  const [kind] = isVirtual === true ? ['a virtual table that gives delta links'] : elastic;
  if (kind === undefined) return [];
  const message = `${kind}; it counts its versions itself, so the read point leaves it out`;
  return [good(`${id}.counter`, subject, message)];
}

/** Only for a table that is named exactly: the selection of a pattern is meant for many tables. */
function checkNames(entry: ResolvedTable<CheckedTable>, definition: Table): Finding[] {
  const unknown = entry.pattern === undefined ? unknownNames(definition, entry.columns) : [];
  if (unknown.length === 0) return [];
  return [
    bad(
      `table.${entry.name}.columns`,
      `table ${entry.name}`,
      `has no column ${unknown.join(', ')}`,
      `Correct \`columns\` of table ${entry.name}. It takes logical names.`,
    ),
  ];
}

/** Reports which bodies are fetched, and columns that have none or whose bodies cannot be told apart. */
function checkFileColumns(
  id: string,
  subject: string,
  definition: Table,
  mirrored: Table,
  wish: FileWish | undefined,
): Finding[] {
  if (wish === undefined) return [];
  const unknown = unknownFileColumns(definition, wish);
  if (unknown.length > 0) {
    const message = `has no column of a file or an image named ${unknown.join(', ')}`;
    return [bad(`${id}.files`, subject, message, `Correct \`files\` of ${subject}.`)];
  }
  const names = fileColumns(definition, wish, mirrored).map(({ name }) => name);
  const without = fileColumns(definition, wish, definition)
    .map(({ name }) => name)
    .filter((name) => !names.includes(name));
  if (without.length > 0) {
    const message = `lacks what tells bodies apart of ${without.join(', ')}: it is excluded or hashed`;
    const remedy = `Take these columns, and the columns with the same beginning, out of columns.exclude and columns.hash of ${subject}.`;
    return [bad(`${id}.files`, subject, message, remedy)];
  }
  const message =
    names.length === 0 ? 'has no column of a file or an image' : `bodies are fetched of ${names.join(', ')}`;
  return [good(`${id}.files`, subject, message)];
}

/** Reports attributes with an odd definition, because they are not mirrored. */
function checkOdd(id: string, subject: string, table: Table, { exclude }: ColumnSelection): Finding[] {
  const odd = (table.odd ?? []).filter(
    ({ name }) => name === null || !exclude.some((pattern) => fitsPattern(name, pattern)),
  );
  if (odd.length === 0) return [];
  const names = odd.map(nameOfOdd).join(', ');
  const reasons = odd.map((item) => `${nameOfOdd(item)} (${item.reason})`).join('; ');
  const remedy = `Correct the definition in the environment, or add ${names} to columns.exclude of ${subject}.`;
  return [
    bad(
      `${id}.odd`,
      subject,
      `these columns have an odd definition and are not mirrored, unless they were before: ${reasons}`,
      remedy,
      'column-odd',
    ),
  ];
}

function checkSecured(id: string, subject: string, table: Table): Finding[] {
  const names = attributes(table, (column) => column.secured === true);
  if (names === '') return [];
  const message = `secured columns come as null if the identity may not read them: ${names}`;
  return [good(`${id}.secured`, subject, message)];
}

function checkDerived(id: string, subject: string, table: Table): Finding[] {
  const names = attributes(table, (column) => column.derived !== undefined);
  if (names === '') return [];
  const message = `calculated columns may lag behind until their row changes or the table is re-baselined: ${names}`;
  return [good(`${id}.derived`, subject, message)];
}

function attributes(table: Table, isMeant: (column: Column) => boolean): string {
  return [...new Set(table.columns.filter(isMeant).map((column) => column.attribute))].join(', ');
}
