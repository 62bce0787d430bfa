import { z } from 'zod';
import { Failure } from '../../model/failure.ts';
import type {
  Choice,
  ChoiceKind,
  ColumnLabels,
  LookupTarget,
  TableLabels,
} from '../../model/option-labels.ts';
import type { DataverseClient } from '../http/client.ts';
import {
  choiceDefinition,
  COLUMN_LABEL_SELECT,
  columnLabel,
  sizeDefinition,
  tableLabel,
  TABLE_LABEL_SELECT,
  type OptionSetDefinition,
} from './label-definition.ts';
import type { Metadata } from './metadata.ts';
import { parseDefinitions, definitionList } from './odd-definitions.ts';
import { lookupDetail } from './table-definition.ts';

export interface LabelOptions {
  /** Reads precision and length too, by one request for each type that has them. */
  readonly details?: boolean;
}

/** Attribute types with options, and the casts that show the options. */
const CHOICES: readonly { readonly type: string; readonly cast: string; readonly kind: ChoiceKind }[] = [
  { type: 'PicklistType', cast: 'Picklist', kind: 'picklist' },
  { type: 'MultiSelectPicklistType', cast: 'MultiSelectPicklist', kind: 'multiselect' },
  { type: 'StateType', cast: 'State', kind: 'state' },
  { type: 'StatusType', cast: 'Status', kind: 'status' },
  { type: 'BooleanType', cast: 'Boolean', kind: 'boolean' },
];

/** Lookup types. One cast shows the targets of all of them. */
const LOOKUPS = ['LookupType', 'CustomerType', 'OwnerType', 'PartyListType'];

const SIZES = [
  { type: 'StringType', cast: 'String', member: 'MaxLength' },
  { type: 'MemoType', cast: 'Memo', member: 'MaxLength' },
  { type: 'DecimalType', cast: 'Decimal', member: 'Precision' },
  { type: 'DoubleType', cast: 'Double', member: 'Precision' },
  { type: 'MoneyType', cast: 'Money', member: 'Precision' },
];

/**
 * Reads a table's labels, options and lookup targets, in every language of the environment. The members of a
 * type need a request of their own ("Query schema definitions using the Web API"). Only the types that occur
 * are requested.
 *
 * @throws Failure `unexpected-answer`, and failures of the requests.
 */
export async function readLabels(
  client: DataverseClient,
  metadata: Metadata,
  table: string,
  signal: AbortSignal,
  { details = false }: LabelOptions = {},
): Promise<TableLabels> {
  const read = async <T>(path: string, shape: z.ZodType<T>): Promise<T> => {
    const url = `EntityDefinitions(LogicalName='${encodeURIComponent(table)}')${path}`;
    const request = { url, priority: 'metadata', table, ...metadata.consistency } as const;
    const answer = await client.getJson(request, signal);
    const parsed = shape.safeParse(answer);
    if (parsed.success) return parsed.data;
    throw unexpected(url, parsed.error);
  };
  /** Reads a list of attributes. An odd definition costs only its own labels. */
  const list = async <T extends { readonly LogicalName: string }>(
    path: string,
    item: z.ZodType<T>,
  ): Promise<readonly T[]> => {
    const { value } = await read(`/Attributes${path}`, definitionList);
    const { items, odd } = parseDefinitions(value, item);
    for (const each of odd) metadata.tellOdd('the labels of column', each, table);
    return items;
  };
  const tellOptions = (column: string, odd: number): void => {
    if (odd === 0) return;
    metadata.tellOdd('the options of column', { name: column, reason: `${odd} of them are none` }, table);
  };

  const [definition, attributes] = await Promise.all([
    read(`?$select=${TABLE_LABEL_SELECT.join(',')}`, tableLabel),
    list(`?$select=${COLUMN_LABEL_SELECT.join(',')}`, columnLabel),
  ]);
  const types = new Set(attributes.map(({ AttributeTypeName }) => AttributeTypeName?.Value ?? ''));
  const occurring = <T extends { readonly type: string }>(casts: readonly T[]): T[] =>
    casts.filter(({ type }) => types.has(type));
  const [choices, lookups, sizes] = await Promise.all([
    Promise.all(
      occurring(CHOICES).map(async ({ cast, kind }) => {
        const query = '?$select=LogicalName&$expand=OptionSet,GlobalOptionSet';
        const found = await list(
          `/Microsoft.Dynamics.CRM.${cast}AttributeMetadata${query}`,
          choiceDefinition,
        );
        return found.map(({ LogicalName, OptionSet, GlobalOptionSet }) => {
          tellOptions(LogicalName, (GlobalOptionSet ?? OptionSet)?.Options?.odd ?? 0);
          return choiceOf(LogicalName, kind, OptionSet, GlobalOptionSet);
        });
      }),
    ),
    LOOKUPS.some((type) => types.has(type))
      ? list('/Microsoft.Dynamics.CRM.LookupAttributeMetadata?$select=LogicalName,Targets', lookupDetail)
      : [],
    Promise.all(
      (details ? occurring(SIZES) : []).map(async ({ cast, member }) =>
        list(
          `/Microsoft.Dynamics.CRM.${cast}AttributeMetadata?$select=LogicalName,${member}`,
          sizeDefinition,
        ),
      ),
    ),
  ]);
  const sizeOf = new Map(sizes.flat().map((size) => [size.LogicalName, size]));
  return {
    table,
    displayName: definition.DisplayName,
    collectionName: definition.DisplayCollectionName,
    description: definition.Description,
    columns: attributes.map((attribute): ColumnLabels => ({
      name: attribute.LogicalName,
      displayName: attribute.DisplayName,
      description: attribute.Description,
      attributeType: attribute.AttributeType,
      attributeTypeName: attribute.AttributeTypeName?.Value ?? null,
      attributeOf: attribute.AttributeOf,
      columnNumber: attribute.ColumnNumber,
      metadataId: attribute.MetadataId,
      precision: sizeOf.get(attribute.LogicalName)?.Precision ?? null,
      maxLength: sizeOf.get(attribute.LogicalName)?.MaxLength ?? null,
    })),
    choices: choices.flat(),
    targets: await targetsOf(lookups, metadata, signal),
  };
}

function choiceOf(
  column: string,
  kind: ChoiceKind,
  own: OptionSetDefinition | null | undefined,
  global: OptionSetDefinition | null | undefined,
): Choice {
  const set = global ?? own;
  const options = set?.Options?.items ?? [set?.FalseOption, set?.TrueOption].filter((each) => each !== null);
  return {
    column,
    kind,
    optionSet: set?.Name ?? null,
    isGlobal: set?.IsGlobal ?? (global !== null && global !== undefined),
    options: options.filter((each) => each !== undefined),
  };
}

async function targetsOf(
  lookups: readonly z.infer<typeof lookupDetail>[],
  metadata: Metadata,
  signal: AbortSignal,
): Promise<LookupTarget[]> {
  if (lookups.length === 0) return [];
  const tables = new Map((await metadata.tables(signal)).map((each) => [each.LogicalName, each]));
  return lookups.flatMap(({ LogicalName, Targets }) =>
    (Targets ?? []).map((target): LookupTarget => ({
      column: LogicalName,
      table: target,
      idAttribute: tables.get(target)?.PrimaryIdAttribute ?? null,
      nameAttribute: tables.get(target)?.PrimaryNameAttribute ?? null,
    })),
  );
}

function unexpected(url: string, error: z.ZodError): Failure {
  return new Failure({
    code: 'unexpected-answer',
    reaction: 'stop-table',
    message: `Labels came in an unknown shape: ${z.prettifyError(error)}`,
    remedy: 'This environment describes its labels in a way mirrorverse does not know; please report it.',
    cause: error,
    details: { url },
  });
}
