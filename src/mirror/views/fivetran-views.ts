import { qualifiedName, quoteIdentifier, quoteLiteral } from '../table/identifier.ts';
import { MIRRORED_AT } from '../table/mirror-table.ts';
import { byPreference, LABEL_TABLES, type LabelLanguages } from '../labels/label-tables.ts';
import type { WantedView } from './view-plan.ts';

export interface FivetranOptions {
  /** Schema of the mirror tables. */
  readonly schema: string;
  readonly viewSchema: string;
  readonly languages: LabelLanguages;
  readonly organizationId: string;
}

/**
 * Fivetran's `stringmap`, as the dbt packages for Dynamics 365 read it: Dataverse's table of that name with
 * Fivetran's additions. It has each option once, in one language, because those packages join without `langid`.
 */
export function fivetranViews({
  schema,
  viewSchema,
  languages,
  organizationId,
}: FivetranOptions): WantedView[] {
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
  return [
    {
      schema: viewSchema,
      name: 'stringmap',
      from: `(SELECT DISTINCT ON (${key}) c.* FROM ${choices} AS c ORDER BY ${key}, ${byPreference('c.language', languages)}) AS m`,
      comment: 'Labels of options, as Fivetran delivers them.',
      columns: columns.map(([name, type, expression]) => ({ name, type, expression, comment: null })),
    },
  ];
}
