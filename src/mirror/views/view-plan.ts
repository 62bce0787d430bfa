import { qualifiedName, quoteIdentifier, quoteLiteral } from '../table/identifier.ts';

/** Columns of a view at most: as many as of a table, though a query may have 1,664. */
export const MOST_VIEW_COLUMNS = 1_600;

export interface ViewColumn {
  /** Unquoted. */
  readonly name: string;
  readonly expression: string;
  /** As format_type() prints it. */
  readonly type: string;
  readonly comment: string | null;
}

/** A view as it ought to be. */
export interface WantedView {
  readonly schema: string;
  readonly name: string;
  /** What follows FROM. */
  readonly from: string;
  readonly columns: readonly ViewColumn[];
  readonly comment: string | null;
}

/** A view as it stands in PostgreSQL. */
export interface ExistingView {
  readonly columns: readonly Omit<ViewColumn, 'expression'>[];
  readonly comment: string | null;
  /** What is made of the view, views of other people for example, by name. */
  readonly dependents: readonly string[];
  /** Its storage parameters, as `security_invoker=true`. */
  readonly options: readonly string[];
}

export type ViewPlan =
  | {
      readonly kind: 'create' | 'replace' | 'recreate';
      readonly statements: readonly string[];
    }
  /**
   * A column's type changed, or there is no room beside those that it may not lose, and something
   * depends on the view: nothing can be done to it.
   */
  | { readonly kind: 'blocked' };

/**
 * What it takes to make a view as it ought to be. A view that nothing depends on gets its columns in
 * their ideal order. One that something depends on keeps the columns and the order it has, null in
 * place of what is gone, and new columns at the end: more PostgreSQL does not allow.
 *
 * @param optionsOfNew storage parameters where there is no view yet to have them from.
 */
export function planView(
  wanted: WantedView,
  existing: ExistingView | undefined,
  optionsOfNew: readonly string[] = [],
): ViewPlan {
  if (existing === undefined) {
    const created = createView(wanted, wanted.columns, optionsOfNew);
    return { kind: 'create', statements: [created, ...comments(wanted)] };
  }
  const { options, dependents } = existing;
  if (isPrefix(existing.columns, wanted.columns)) {
    const replaced = createView(wanted, wanted.columns, options);
    return { kind: 'replace', statements: [replaced, ...comments(wanted, existing)] };
  }
  if (dependents.length === 0) {
    const name = qualifiedName(wanted.schema, wanted.name);
    const created = createView(wanted, wanted.columns, options);
    return { kind: 'recreate', statements: [`DROP VIEW ${name}`, created, ...comments(wanted)] };
  }
  const columns = inExistingOrder(wanted.columns, existing.columns);
  if (columns === undefined || columns.length > MOST_VIEW_COLUMNS) return { kind: 'blocked' };
  const replaced = createView(wanted, columns, options);
  return { kind: 'replace', statements: [replaced, ...comments(wanted, existing)] };
}

/** Whether a view already has the columns of another, in the same order, and no more. */
export function hasIdealShape(wanted: WantedView, existing: ExistingView): boolean {
  return wanted.columns.length === existing.columns.length && isPrefix(existing.columns, wanted.columns);
}

type Shape = Pick<ViewColumn, 'name' | 'type'>;

function isPrefix(beginning: readonly Shape[], whole: readonly Shape[]): boolean {
  return beginning.every(({ name, type }, at) => whole[at]?.name === name && whole[at].type === type);
}

/** The wanted columns after the order of those that are there; undefined where a type differs. */
function inExistingOrder(
  wanted: readonly ViewColumn[],
  existing: ExistingView['columns'],
): ViewColumn[] | undefined {
  const byName = new Map(wanted.map((column) => [column.name, column]));
  const known = existing.map(
    (column) => byName.get(column.name) ?? { ...column, expression: `NULL::${column.type}` },
  );
  if (known.some(({ type }, at) => type !== existing[at]?.type)) return undefined;
  const names = new Set(existing.map(({ name }) => name));
  return [...known, ...wanted.filter(({ name }) => !names.has(name))];
}

function createView(view: WantedView, columns: readonly ViewColumn[], options: readonly string[]): string {
  // A view that is replaced loses the options that the statement does not repeat.
  const kept = options.length === 0 ? '' : ` WITH (${options.map(viewOption).join(', ')})`;
  const list = columns.map(({ name, expression }) => `${expression} AS ${quoteIdentifier(name)}`);
  return `CREATE OR REPLACE VIEW ${qualifiedName(view.schema, view.name)}${kept} AS\nSELECT ${list.join(',\n       ')}\n  FROM ${view.from}`;
}

function viewOption(option: string): string {
  const [name = '', ...value] = option.split('=');
  return `${quoteIdentifier(name)} = ${quoteLiteral(value.join('='))}`;
}

/** COMMENT ON for the view and each column whose text differs from the one that is there. */
function comments(view: WantedView, existing?: ExistingView): string[] {
  const name = qualifiedName(view.schema, view.name);
  const before = new Map(existing?.columns.map((column) => [column.name, column.comment]));
  return [
    ...((existing?.comment ?? null) === view.comment
      ? []
      : [`COMMENT ON VIEW ${name} IS ${commentText(view.comment)}`]),
    ...view.columns
      .filter((column) => (before.get(column.name) ?? null) !== column.comment)
      .map(
        (column) =>
          `COMMENT ON COLUMN ${name}.${quoteIdentifier(column.name)} IS ${commentText(column.comment)}`,
      ),
  ];
}

function commentText(comment: string | null): string {
  return comment === null ? 'NULL' : quoteLiteral(comment);
}
