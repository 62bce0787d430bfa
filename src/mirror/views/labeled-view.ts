import { columnIdentifiers, qualifiedName, quoteIdentifier, quoteLiteral } from '../table/identifier.ts';
import { byPreference, LABEL_TABLES, type LabelLanguages } from '../labels/label-tables.ts';
import type { DescribedColumn, DescribedTable } from '../labels/mirror-description.ts';
import { MOST_VIEW_COLUMNS, type ViewColumn, type WantedView } from './view-plan.ts';

export interface LabeledViewOptions {
  /** Schema of the mirror tables. */
  readonly schema: string;
  readonly viewSchema: string;
  readonly languages: LabelLanguages;
}

const CHOICES: ReadonlySet<string> = new Set(['PicklistType', 'StateType', 'StatusType']);
const LOOKUPS: ReadonlySet<string> = new Set(['LookupType', 'CustomerType', 'OwnerType']);

export interface LabeledView {
  readonly view: WantedView;
  /** Labels and names that the view has no room for. */
  readonly leftOut: readonly string[];
}

/**
 * The view of a mirror table with labels and names: all its columns in order, `<column>_label` after each
 * choice and `<lookup>_name` after each lookup. Where a view cannot have so many columns, it has those of the
 * mirror table, and the first labels and names that fit. A query pays only for those it selects: it reads the
 * labels of a column once, and finds each name by primary key.
 *
 * @param tables every mirror table that the lookups may point at, by logical name.
 */
export function labeledView(
  table: DescribedTable,
  tables: ReadonlyMap<string, DescribedTable>,
  options: LabeledViewOptions,
): LabeledView {
  const all = new Map<DescribedColumn, Omit<ViewColumn, 'type'>>();
  for (const column of table.columns) {
    const label = labelOf(table, column, options);
    if (label !== undefined) {
      const comment = `Label of ${column.attribute}.`;
      all.set(column, { name: `${column.attribute}_label`, expression: label, comment });
    }
    if (!isOwn(column, LOOKUPS) || column.type !== 'uuid') continue;
    const companion = table.columns.find((other) => isEntityType(other, column));
    all.set(companion ?? column, {
      name: `${column.attribute}_name`,
      expression: nameOf(column, companion, tables, options.schema),
      comment: `Name of the row that ${column.attribute} points at.`,
    });
  }
  const room = Math.max(0, MOST_VIEW_COLUMNS - table.columns.length);
  const added = new Map([...all].slice(0, room));
  const leftOut = [...all.values()].slice(room).map(({ name }) => name);
  const names = columnIdentifiers(
    Array.from(added.values(), ({ name }) => name),
    table.columns.map(({ name }) => name),
  );
  const view: WantedView = {
    schema: options.viewSchema,
    name: table.identifier,
    from: `${qualifiedName(options.schema, table.identifier)} AS t`,
    comment: table.comment,
    columns: table.columns.flatMap((column): ViewColumn[] => {
      const { name, type, comment } = column;
      const own = { name, type, comment, expression: field('t', name) };
      const more = added.get(column);
      if (more === undefined) return [own];
      return [own, { ...more, name: names.get(more.name) ?? more.name, type: 'text' }];
    }),
  };
  return { view, leftOut };
}

function field(alias: string, name: string): string {
  return `${alias}.${quoteIdentifier(name)}`;
}

/** The column that holds an attribute's value, where the attribute has one of these types. */
function isOwn(column: DescribedColumn, types: ReadonlySet<string>): boolean {
  return column.column === column.attribute && types.has(column.attributeType ?? '');
}

function isEntityType(column: DescribedColumn, lookup: DescribedColumn): boolean {
  return column.attribute === lookup.attribute && column.column !== lookup.column && column.type === 'text';
}

/** SQL of a choice's label; undefined for a column that is no choice, or that holds something else. */
function labelOf(
  table: DescribedTable,
  column: DescribedColumn,
  { schema, languages }: LabeledViewOptions,
): string | undefined {
  // PostgreSQL reads the labels of a column once for each query that selects them, and only then. A subquery for
  // each value took five times as long for a whole table.
  const labels =
    `(SELECT jsonb_object_agg(o.value, o.label) FROM (SELECT DISTINCT ON (c.value) c.value, c.label` +
    ` FROM ${qualifiedName(schema, LABEL_TABLES.choices.name)} AS c` +
    ` WHERE c.table_name = ${quoteLiteral(table.table)} AND c.column_name = ${quoteLiteral(column.column ?? '')}` +
    ` ORDER BY c.value, ${byPreference('c.language', languages)}) AS o)`;
  const label = (code: string): string => `${labels} ->> ${code}::text`;
  const value = field('t', column.name);
  if (isOwn(column, CHOICES) && column.type === 'integer') return label(value);
  if (isOwn(column, new Set(['BooleanType'])) && column.type === 'boolean') return label(`${value}::integer`);
  if (isOwn(column, new Set(['MultiSelectPicklistType'])) && column.type === 'integer[]') {
    // A value without a label shows as its number. Leaving it out would be untrue.
    const all = `(SELECT string_agg(coalesce(${label('v.value')}, v.value::text), '; ' ORDER BY v.at) FROM unnest(${value}) WITH ORDINALITY AS v (value, at))`;
    return `CASE WHEN ${value} IS NOT NULL THEN ${all} END`;
  }
  return undefined;
}

/** SQL of the name of the row that a lookup points at; null where no target is mirrored. */
function nameOf(
  lookup: DescribedColumn,
  companion: DescribedColumn | undefined,
  tables: ReadonlyMap<string, DescribedTable>,
  schema: string,
): string {
  const names = lookup.targets.flatMap((target) => {
    const table = tables.get(target.table);
    const key = table?.columns.find((column) => column.column === target.id && column.type === 'uuid');
    const name = table?.columns.find((column) => column.column === target.name && column.holds !== 'hash');
    if (table === undefined || key === undefined || name === undefined) return [];
    const text = name.type === 'text' ? field('n', name.name) : `${field('n', name.name)}::text`;
    // In an elastic table, an id is unique only within its partition.
    const one = table.uniqueColumns.has(key.name) ? text : `min(${text})`;
    const from = qualifiedName(schema, table.identifier);
    const expression = `(SELECT ${one} FROM ${from} AS n WHERE ${field('n', key.name)} = ${field('t', lookup.name)})`;
    return [{ table: target.table, expression }];
  });
  const [first, ...more] = names;
  if (first === undefined) return 'NULL::text';
  if (companion !== undefined) {
    const cases = names.map(({ table, expression }) => `WHEN ${quoteLiteral(table)} THEN ${expression}`);
    return `CASE ${field('t', companion.name)} ${cases.join(' ')} END`;
  }
  const all = names.map(({ expression }) => expression).join(', ');
  // Most lookups of a row are null. Even a search for nothing costs time.
  return `CASE WHEN ${field('t', lookup.name)} IS NOT NULL THEN ${more.length === 0 ? all : `coalesce(${all})`} END`;
}
