import type { DataverseStore } from '../store/dataverse-store.ts';
import { notEmulated } from '../web-api/dataverse-error.ts';
import { managedProperty, stableGuid } from '../definitions/metadata-members.ts';
import { metadataFilter } from './metadata-filter.ts';
import { contextMembers, selectMembers } from './metadata-selection.ts';
import { listOption } from '../web-api/query-options.ts';
import { jsonReply, type Reply, type ApiCall, type WebApi } from '../web-api/web-api.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';

const TYPE = 'ManyToManyRelationshipMetadata';
const MANY_TO_MANY = `RelationshipDefinitions/Microsoft.Dynamics.CRM.${TYPE}`;

/** Serves the N:N relationships, which name the two ends of every intersect table. */
export function relationshipDefinitions(api: WebApi, call: ApiCall): Reply {
  const { resource } = call.request;
  if (resource !== MANY_TO_MANY || call.options.has('$expand')) throw notEmulated(resource ?? '');
  const select = listOption(call.options, '$select');
  const matches = metadataFilter(call.options.get('$filter'), TYPE);
  const value = manyToMany(api.store)
    .filter(matches)
    .map((each) => selectMembers(each, select, TYPE));
  const context = `${call.root}/$metadata#${MANY_TO_MANY}${contextMembers(select, [])}`;
  return jsonReply(JSON.stringify({ '@odata.context': context, value }));
}

/** The N:N relationships a table takes part in, as `$expand=ManyToManyRelationships` shows them. */
export function relationshipsOf(
  store: DataverseStore,
  { logicalName }: TableDefinition,
  select: readonly string[] | null,
): Record<string, unknown>[] {
  const ends = ['Entity1LogicalName', 'Entity2LogicalName'];
  return manyToMany(store)
    .filter((each) => ends.some((end) => each[end] === logicalName))
    .map((each) => selectMembers(each, select, TYPE));
}

function manyToMany(store: DataverseStore): Record<string, unknown>[] {
  const tables = store.tables;
  return [...tables.values()].flatMap((table) => {
    if (table.intersects === null) return [];
    const [first, second] = table.intersects;
    const name = table.isCustomEntity ? table.schemaName : `${table.logicalName}_association`;
    return [
      {
        MetadataId: stableGuid(`relationship:${name}`),
        HasChanged: null,
        SchemaName: name,
        IsCustomRelationship: table.isCustomEntity,
        IsValidForAdvancedFind: true,
        IsManaged: !table.isCustomEntity,
        SecurityTypes: 'None',
        RelationshipType: 'ManyToManyRelationship',
        IntroducedVersion: '5.0.0.0',
        IsCustomizable: managedProperty(false, false, 'iscustomizable'),
        IntersectEntityName: table.logicalName,
        Entity1LogicalName: first,
        Entity1IntersectAttribute: tables.get(first)?.primaryIdAttribute ?? `${first}id`,
        Entity1NavigationPropertyName: name,
        Entity2LogicalName: second,
        Entity2IntersectAttribute: tables.get(second)?.primaryIdAttribute ?? `${second}id`,
        Entity2NavigationPropertyName: name,
      },
    ];
  });
}
