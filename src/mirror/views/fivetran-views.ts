import { qualifiedName, quoteIdentifier, quoteLiteral } from '../table/identifier.ts';
import { DELETED_AT, MIRRORED_AT } from '../table/mirror-table.ts';
import { byPreference, LABEL_TABLES, type LabelLanguages } from '../labels/label-tables.ts';
import type { DescribedTable } from '../labels/mirror-description.ts';
import type { ViewColumn, WantedView } from './view-plan.ts';

export interface FivetranOptions {
  /** Schema of the mirror tables. */
  readonly schema: string;
  readonly viewSchema: string;
  readonly languages: LabelLanguages;
  readonly organizationId: string;
}

/** Name of the view with labels. */
const STRINGMAP = 'stringmap';

/**
 * Tables that Fivetran keys by `ownerid`, with their primary ids. In the Web API, users and teams inherit that
 * property from `principal`, and its value is their own id. The metadata has no such attribute of them.
 */
const PRINCIPALS: ReadonlyMap<string, string> = new Map([
  ['systemuser', 'systemuserid'],
  ['team', 'teamid'],
]);

/**
 * Fivetran's `stringmap`, as the dbt packages for Dynamics 365 read it: Dataverse's table of that name with
 * Fivetran's additions. It has each option once, in one language, because those packages join without `langid`.
 */
export function stringmapView({
  schema,
  viewSchema,
  languages,
  organizationId,
}: FivetranOptions): WantedView {
  const key = 'c.table_name, c.column_name, c.value';
  const choices = qualifiedName(schema, LABEL_TABLES.choices.name);
  const columns = [
    ['stringmapid', 'uuid', `md5(concat_ws('.', ${key.replaceAll('c.', 'm.')}, m.language))::uuid`],
    ['attributename', 'text', 'm.column_name'],
    ['renamed_attributename', 'text', 'm.column_name'],
    ['attributevalue', 'integer', 'm.value'],
    ['objecttypecode', 'text', 'm.table_name'],
    ['value', 'text', 'm.label'],
    ['displayorder', 'integer', 'm.position + 1'],
    ['langid', 'integer', 'm.language'],
    ['organizationid', 'uuid', `${quoteLiteral(organizationId)}::uuid`],
    ['versionnumber', 'bigint', 'NULL::bigint'],
    ['_fivetran_deleted', 'boolean', 'false'],
    ['_fivetran_synced', 'timestamp with time zone', `m.${quoteIdentifier(MIRRORED_AT)}`],
  ] as const;
  return {
    schema: viewSchema,
    name: STRINGMAP,
    from: `(SELECT DISTINCT ON (${key}) c.* FROM ${choices} AS c ORDER BY ${key}, ${byPreference('c.language', languages)}) AS m`,
    comment: 'Labels of options, as Fivetran delivers them.',
    columns: columns.map(([name, type, expression]) => ({ name, type, expression, comment: null })),
  };
}

/**
 * Mirror tables as Fivetran delivers them: all columns of the mirror table, and after them those that Fivetran
 * adds. A mirror table of Dataverse's own `stringmap` has no view, because the view with labels has its name.
 */
export function fivetranTableViews(
  tables: Iterable<DescribedTable>,
  { schema, viewSchema }: Pick<FivetranOptions, 'schema' | 'viewSchema'>,
): WantedView[] {
  return [...tables]
    .filter(({ identifier }) => identifier !== STRINGMAP)
    .map((table) => {
      const columns = table.columns.map(({ name, type, comment }): ViewColumn => {
        return { name, type, comment, expression: `t.${quoteIdentifier(name)}` };
      });
      const taken = new Set(columns.map(({ name }) => name));
      return {
        schema: viewSchema,
        name: table.identifier,
        from: `${qualifiedName(schema, table.identifier)} AS t`,
        comment: table.comment,
        columns: [...columns, ...addedColumns(table).filter(({ name }) => !taken.has(name))],
      };
    });
}

function addedColumns({ table, columns }: DescribedTable): ViewColumn[] {
  const has = (name: string): boolean => columns.some((column) => column.name === name);
  const id = PRINCIPALS.get(table);
  return [
    ...(id === undefined || !has(id)
      ? []
      : [
          {
            name: 'ownerid',
            type: 'uuid',
            expression: `t.${quoteIdentifier(id)}`,
            comment: `The same as ${id}, by which Fivetran keys the table.`,
          },
        ]),
    {
      name: '_fivetran_synced',
      type: 'timestamp with time zone',
      expression: `t.${quoteIdentifier(MIRRORED_AT)}`,
      comment: 'When mirrorverse last wrote the row.',
    },
    {
      name: '_fivetran_deleted',
      type: 'boolean',
      expression: has(DELETED_AT) ? `t.${quoteIdentifier(DELETED_AT)} IS NOT NULL` : 'false',
      comment: 'Whether the row is marked deleted. Without `deletes: soft`, deleted rows are gone.',
    },
  ];
}
