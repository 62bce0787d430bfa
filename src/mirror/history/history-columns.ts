import { columnIdentifiers, quoteIdentifier, quoteLiteral } from '../table/identifier.ts';
import { isWider } from '../table/column-sql.ts';
import { OWN_COLUMNS } from './history-names.ts';

/** A column of a mirror table, of its history, or of both. */
export interface HistoryColumn {
  readonly name: string;
  /** In the mirror table, as format_type() prints it; null where the mirror table lacks it. */
  readonly type: string | null;
  /** In the history; null where the history lacks it. */
  readonly kept: string | null;
  readonly comment: string | null;
  readonly keptComment: string | null;
}

/** How the comment begins on a column that the mirror table has lost. */
const LOST = 'The mirror table no longer has this column.';

/** A statement, and what stands in for it where others have built something on the column. */
export interface FitStatement {
  readonly sql: string;
  readonly otherwise?: string;
}

/**
 * Plans how a history follows the columns of its mirror table. A column whose type becomes wider changes in place, as in
 * the mirror table. Any other column that changes its type is kept under the name that the mirror table keeps it under.
 *
 * @param records the history: schema and name, quoted.
 */
export function fitColumns(records: string, columns: readonly HistoryColumn[]): FitStatement[] {
  const table = `ALTER TABLE ${records}`;
  const taken = [...columns.map(({ name }) => name), ...OWN_COLUMNS];
  const added = new Map(columns.filter(({ kept }) => kept === null).map((column) => [column.name, column]));
  const add = (name: string, type: string, comment: string | null): string =>
    [
      `${table} ADD COLUMN ${quoteIdentifier(name)} ${type}`,
      ...(comment === null ? [] : [commentOn(records, name, comment)]),
    ].join('; ');
  const followed = columns.flatMap(({ name, type, kept, keptComment, comment }): FitStatement[] => {
    const isLost = keptComment?.startsWith(LOST) === true;
    if (type === null) return isLost ? [] : [{ sql: commentOn(records, name, LOST) }];
    if (kept === null) return [];
    const found = isLost ? [{ sql: commentOn(records, name, comment) }] : [];
    if (type === kept) return found;
    const aside = [...added.values()].find((each) => each.type === kept && each.name.startsWith(`${name}_`));
    const keptName = `${name}_before`;
    const target = aside?.name ?? columnIdentifiers([keptName], taken).get(keptName) ?? keptName;
    const replaced = [
      `${table} RENAME COLUMN ${quoteIdentifier(name)} TO ${quoteIdentifier(target)}`,
      commentOn(records, target, aside?.comment ?? LOST),
      add(name, type, comment),
    ].join('; ');
    if (isWider(type, kept)) {
      const quoted = quoteIdentifier(name);
      const widened = `${table} ALTER COLUMN ${quoted} TYPE ${type} USING ${quoted}::${type}`;
      return [...found, { sql: widened, otherwise: replaced }];
    }
    if (aside !== undefined) added.delete(aside.name);
    return [...found, { sql: replaced }];
  });
  const fresh = [...added.values()].flatMap(({ name, type, comment }) =>
    type === null ? [] : [{ sql: add(name, type, comment) }],
  );
  return [...followed, ...fresh];
}

function commentOn(records: string, name: string, text: string | null): string {
  return `COMMENT ON COLUMN ${records}.${quoteIdentifier(name)} IS ${text === null ? 'NULL' : quoteLiteral(text)}`;
}
