import { baseMembers, derivedMembers } from './attribute-metadata.ts';
import { KIND_FACTS } from '../definitions/attribute-kind.ts';
import type { Column } from '../definitions/column.ts';
import { DataverseError, unknownProperty, unknownSegment } from '../web-api/dataverse-error.ts';
import { contextMembers, selectMembers, parseExpand, type Expansion } from './metadata-selection.ts';
import { exactJson } from './exact-json.ts';
import { metadataFilter } from './metadata-filter.ts';
import { optionSetJson } from '../definitions/option-set.ts';
import { listOption } from '../web-api/query-options.ts';
import { jsonReply, type Reply, type ApiCall } from '../web-api/web-api.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';

const ADDRESS =
  /^Attributes(?:\(LogicalName='([^']*)'\))?(?:\/Microsoft\.Dynamics\.CRM\.(\w+)AttributeMetadata)?$/;

const CASTS: ReadonlySet<string> = new Set(
  Object.values(KIND_FACTS).flatMap((facts) => (facts.cast === null ? [] : [facts.cast])),
);

/** Serves `EntityDefinitions(…)/Attributes`, plain or cast to a derived type. */
export function attributes(call: ApiCall, table: TableDefinition, rest: string): Reply {
  const address = ADDRESS.exec(rest);
  if (address === null) throw unknownSegment(rest);
  const [, only, cast] = address;
  if (cast !== undefined && !CASTS.has(cast)) {
    throw unknownSegment(`Microsoft.Dynamics.CRM.${cast}AttributeMetadata`);
  }
  const select = listOption(call.options, '$select');
  const expansions = parseExpand(call.options.get('$expand'));
  const matches = metadataFilter(call.options.get('$filter'), 'AttributeMetadata');
  const bodies = table.columns
    .map((column, index) => ({ column, number: index + 1 }))
    .filter(({ column, number }) => matches(baseMembers(table, column, number)))
    .filter(({ column }) => cast === undefined || KIND_FACTS[column.kind].cast === cast)
    .filter(({ column }) => only === undefined || column.logicalName === only)
    .map(({ column, number }) => body(table, column, number, select, expansions, cast ?? null));
  const type = cast === undefined ? '' : `/Microsoft.Dynamics.CRM.${cast}AttributeMetadata`;
  const context = `${call.root}/$metadata#EntityDefinitions('${table.logicalName}')/Attributes${type}${contextMembers(select, expansions)}`;
  if (only === undefined) return jsonReply(exactJson({ '@odata.context': context, value: bodies }));
  const [found] = bodies;
  if (found === undefined) {
    throw new DataverseError(404, '0x80060888', `Could not find an attribute with name ${only}.`);
  }
  return jsonReply(exactJson({ '@odata.context': `${context}/$entity`, ...found }));
}

/** The attributes of a table as `$expand=Attributes` shows them. */
export function attributesOf(
  table: TableDefinition,
  select: readonly string[] | null,
): Record<string, unknown>[] {
  return table.columns.map((column, index) => body(table, column, index + 1, select, [], null));
}

/** One attribute with all its members, its options too, as RetrieveMetadataChanges returns it. */
export function wholeAttribute(
  table: TableDefinition,
  column: Column,
  columnNumber: number,
): Record<string, unknown> {
  const { cast } = KIND_FACTS[column.kind];
  return {
    '@odata.type': `#Microsoft.Dynamics.CRM.Complex${cast ?? ''}AttributeMetadata`,
    ...baseMembers(table, column, columnNumber),
    ...derivedMembers(table, column),
    ...(column.optionSet === null ? {} : { OptionSet: optionSetJson(column.optionSet) }),
  };
}

/** Without a cast, `$select` may name only base members. Without a `$select` the derived members are shown too. */
function body(
  table: TableDefinition,
  column: Column,
  columnNumber: number,
  select: readonly string[] | null,
  expansions: readonly Expansion[],
  cast: string | null,
): Record<string, unknown> {
  const base = baseMembers(table, column, columnNumber);
  const derived = derivedMembers(table, column);
  const derivedName = KIND_FACTS[column.kind].cast;
  const tag =
    cast !== null || derivedName === null
      ? {}
      : { '@odata.type': `#Microsoft.Dynamics.CRM.${derivedName}AttributeMetadata` };
  const selectable = cast === null && select !== null ? base : { ...base, ...derived };
  const type = `${cast ?? ''}AttributeMetadata`;
  const shown: Record<string, unknown> = { ...tag, ...selectMembers(selectable, select, type) };
  for (const { name } of expansions) {
    if (!expandable(name, cast)) throw unknownProperty(name, type);
    const { optionSet } = column;
    const filled = optionSet !== null && (name === 'OptionSet' || optionSet.isGlobal);
    shown[name] = filled ? optionSetJson(optionSet) : null;
  }
  return shown;
}

/** Whether a cast type has the member. A two-way choice has the member GlobalOptionSet too, although it is null. */
function expandable(name: string, cast: string | null): boolean {
  const withOptions = ['Picklist', 'MultiSelectPicklist', 'State', 'Status', 'Boolean', 'EntityName'];
  return cast !== null && withOptions.includes(cast) && (name === 'OptionSet' || name === 'GlobalOptionSet');
}
