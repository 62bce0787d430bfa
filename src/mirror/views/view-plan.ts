import { qualifiedName, quoteIdentifier, quoteLiteral } from '../table/identifier.ts';

/** The most columns of a view: as many as of a table, although a query may have 1,664. */
export const MOST_VIEW_COLUMNS = 1_600;

export interface ViewColumn {
  /** Name in PostgreSQL, unquoted. */
  readonly name: string;
  readonly expression: string;
  /** The type, as format_type() prints it. */
  readonly type: string;
  readonly comment: string | null;
}

/** A view as it should be. */
export interface WantedView {
  readonly schema: string;
  readonly name: string;
  /** The SQL after FROM. */
  readonly from: string;
  readonly columns: readonly ViewColumn[];
  readonly comment: string | null;
}

/** A view as PostgreSQL has it. */
export interface ExistingView {
  readonly columns: readonly Omit<ViewColumn, 'expression'>[];
  readonly comment: string | null;
  /** Names of what uses the view, such as views of other people. */
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
   * The view cannot change, because something uses it. A column's type changed, or there is no room beside
   * the columns that the view may not lose.
   */
  | { readonly kind: 'blocked' };

/**
 * Plans how to make a view as it should be. A view that nothing uses gets its columns in their ideal order. A
 * view that something uses keeps its columns and their order, with null in place of what is gone and new
 * columns at the end, because PostgreSQL allows no more.
 *
 * @param optionsOfNew storage parameters for a view that does not exist yet.
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

/** Whether a view has exactly the wanted columns in the wanted order. */
export function hasIdealShape(wanted: WantedView, existing: ExistingView): boolean {
  return wanted.columns.length === existing.columns.length && isPrefix(existing.columns, wanted.columns);
}

type Shape = Pick<ViewColumn, 'name' | 'type'>;

function isPrefix(beginning: readonly Shape[], whole: readonly Shape[]): boolean {
  return beginning.every(({ name, type }, at) => whole[at]?.name === name && whole[at].type === type);
}

/** The wanted columns, in the order of the existing ones; undefined where a type differs. */
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
  // Replacing a view drops every option that the statement does not repeat.
  const kept = options.length === 0 ? '' : ` WITH (${options.map(viewOption).join(', ')})`;
  const list = columns.map(({ name, expression }) => `${expression} AS ${quoteIdentifier(name)}`);
  return `CREATE OR REPLACE VIEW ${qualifiedName(view.schema, view.name)}${kept} AS\nSELECT ${list.join(',\n       ')}\n  FROM ${view.from}`;
}

function viewOption(option: string): string {
  const [name = '', ...value] = option.split('=');
  return `${quoteIdentifier(name)} = ${quoteLiteral(value.join('='))}`;
}

/** COMMENT ON for the view, and for each column whose comment has to change. */
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
