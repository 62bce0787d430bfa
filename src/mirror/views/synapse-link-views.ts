import { qualifiedName, quoteLiteral } from '../table/identifier.ts';
import { LABEL_TABLES } from '../labels/label-tables.ts';
import type { WantedView } from './view-plan.ts';

interface MetadataView {
  readonly name: string;
  /** The SQL after FROM: the label table as `m`, and the condition for its rows. */
  readonly from: (schema: string) => string;
  /** Name, type and expression. */
  readonly columns: readonly (readonly [name: string, type: string, expression: string])[];
}

const of =
  (table: { readonly name: string }, where = 'true') =>
  (schema: string): string =>
    `${qualifiedName(schema, table.name)} AS m WHERE ${where}`;

const ENTITY = ['EntityName', 'text', 'm.table_name'] as const;
const COLUMN = ['OptionSetName', 'text', 'm.column_name'] as const;
const OPTION = ['Option', 'integer', 'm.value'] as const;
const LABEL = [
  ['IsUserLocalizedLabel', 'boolean', 'false'],
  ['LocalizedLabelLanguageCode', 'integer', 'm.language'],
  ['LocalizedLabel', 'text', 'm.label'],
] as const;

/** The SDK's AttributeTypeCode enumeration, in its order. */
const TYPE_CODES = [
  'Boolean',
  'Customer',
  'DateTime',
  'Decimal',
  'Double',
  'Integer',
  'Lookup',
  'Memo',
  'Money',
  'Owner',
  'PartyList',
  'Picklist',
  'State',
  'Status',
  'String',
  'Uniqueidentifier',
  'CalendarRules',
  'Virtual',
  'BigInt',
  'ManagedProperty',
  'EntityName',
];

const OWN_CHOICES = "m.kind IN ('picklist', 'multiselect', 'boolean')";

/**
 * Names, columns and their order are those of the tables that Azure/dataverse-to-sql creates for Synapse
 * Link's metadata. The meanings are from "Access choice labels directly from Azure Synapse Link".
 */
const VIEWS: readonly MetadataView[] = [
  {
    name: 'OptionsetMetadata',
    from: of(LABEL_TABLES.choices, `NOT m.is_global AND ${OWN_CHOICES}`),
    columns: [ENTITY, COLUMN, OPTION, ...LABEL],
  },
  {
    name: 'GlobalOptionsetMetadata',
    from: of(LABEL_TABLES.choices, `m.is_global AND ${OWN_CHOICES}`),
    columns: [COLUMN, OPTION, ...LABEL, ['GlobalOptionSetName', 'text', 'm.option_set'], ENTITY],
  },
  {
    name: 'StateMetadata',
    from: of(LABEL_TABLES.choices, "m.kind = 'state'"),
    columns: [ENTITY, ['State', 'integer', 'm.value'], ...LABEL],
  },
  {
    name: 'StatusMetadata',
    from: of(LABEL_TABLES.choices, "m.kind = 'status'"),
    columns: [ENTITY, ['State', 'integer', 'm.state'], ['Status', 'integer', 'm.value'], ...LABEL],
  },
  {
    name: 'TargetMetadata',
    from: of(LABEL_TABLES.lookupTargets),
    columns: [
      ENTITY,
      ['AttributeName', 'text', 'm.column_name'],
      ['ReferencedEntity', 'text', 'm.target_table'],
      ['ReferencedAttribute', 'text', 'm.target_id'],
    ],
  },
  {
    name: 'AttributeMetadata',
    from: of(LABEL_TABLES.columns),
    columns: [
      ['Id', 'bigint', 'm.column_number::bigint'],
      ENTITY,
      ['AttributeName', 'text', 'm.column_name'],
      ['AttributeType', 'text', 'm.attribute_type'],
      [
        'AttributeTypeCode',
        'integer',
        `array_position(ARRAY[${TYPE_CODES.map(quoteLiteral).join(', ')}], m.attribute_type) - 1`,
      ],
      // Columns of the export that once filled the table; nothing here has values for them.
      ['Version', 'bigint', 'NULL::bigint'],
      ['Timestamp', 'timestamp without time zone', 'NULL::timestamp'],
      ['MetadataId', 'text', 'm.metadata_id'],
      ['Precision', 'integer', 'm.precision'],
    ],
  },
];

/**
 * The metadata tables of Data Export Service and Synapse Link, as views. Each has its exact name, and a
 * second view in lower case, which is what PostgreSQL makes of a name without quotes.
 */
export function synapseLinkViews(schema: string, viewSchema: string): WantedView[] {
  return VIEWS.flatMap(({ name, from, columns }) =>
    [(text: string) => text, (text: string) => text.toLowerCase()].map((written): WantedView => ({
      schema: viewSchema,
      name: written(name),
      from: from(schema),
      comment: `${name} as in Synapse Link.`,
      columns: columns.map(([column, type, expression]) => ({
        name: written(column),
        type,
        expression,
        comment: null,
      })),
    })),
  );
}
