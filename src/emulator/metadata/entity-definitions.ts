import { attributes, attributesOf } from './entity-attributes.ts';
import { badRequest, DataverseError, unknownProperty, unknownSegment } from '../web-api/dataverse-error.ts';
import { exactJson } from './exact-json.ts';
import { parseExpand, contextMembers, selectMembers, type Expansion } from './metadata-selection.ts';
import { metadataFilter } from './metadata-filter.ts';
import { listOption } from '../web-api/query-options.ts';
import { relationshipsOf } from './relationship-definitions.ts';
import { jsonReply, type Reply, type ApiCall, type WebApi } from '../web-api/web-api.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';
import { tableMetadata } from './entity-metadata.ts';

const ADDRESS =
  /^EntityDefinitions(?:\((?:LogicalName='([^']*)'|(?:MetadataId=)?([0-9a-fA-F-]{36}))\)(?:\/(.*))?)?$/;
const REFUSED = ['$top', '$orderby', '$count', '$skiptoken'];

/** Serves EntityDefinitions and all paths below. Metadata never has pages. */
export function entityDefinitions(api: WebApi, call: ApiCall): Reply {
  for (const name of REFUSED) {
    if (call.options.has(name)) throw badRequest(`The query parameter ${name} is not supported`);
  }
  const { table, rest } = addressedTable(api, call);
  if (table === null) return collection(api, call);
  return rest === '' ? single(api, call, table) : attributes(call, table, rest);
}

/** The table that a request names, or null for all tables; `rest` is the path below the table. */
export function addressedTable(
  api: WebApi,
  call: ApiCall,
): { readonly table: TableDefinition | null; readonly rest: string } {
  const resource = call.request.resource ?? '';
  const address = ADDRESS.exec(resource);
  if (address === null) throw unknownSegment(resource);
  const [, logicalName, metadataId, rest = ''] = address;
  const isOne = logicalName !== undefined || metadataId !== undefined;
  return { table: isOne ? findTable(api, logicalName, metadataId) : null, rest };
}

function collection(api: WebApi, call: ApiCall): Reply {
  const select = listOption(call.options, '$select');
  const expansions = parseExpand(call.options.get('$expand'));
  const matches = metadataFilter(call.options.get('$filter'), 'EntityMetadata');
  const value = [...api.store.tables.values()]
    .filter((table) => matches(tableMetadata(table)))
    .map((table) => definitionBody(api, table, select, expansions));
  const context = `${call.root}/$metadata#EntityDefinitions${contextMembers(select, expansions)}`;
  return jsonReply(exactJson({ '@odata.context': context, value }));
}

function single(api: WebApi, call: ApiCall, table: TableDefinition): Reply {
  const select = listOption(call.options, '$select');
  const expansions = parseExpand(call.options.get('$expand'));
  const context = `${call.root}/$metadata#EntityDefinitions${contextMembers(select, expansions)}/$entity`;
  return jsonReply(
    exactJson({ '@odata.context': context, ...definitionBody(api, table, select, expansions) }),
  );
}

function findTable(
  api: WebApi,
  logicalName: string | undefined,
  metadataId: string | undefined,
): TableDefinition {
  for (const table of api.store.tables.values()) {
    if (logicalName !== undefined && table.logicalName === logicalName) return table;
    if (metadataId !== undefined && table.metadataId === metadataId.toLowerCase()) return table;
  }
  throw new DataverseError(
    404,
    '0x80060888',
    `Could not find an entity with name ${logicalName ?? ''} and id ${metadataId ?? '00000000-0000-0000-0000-000000000000'}.`,
  );
}

function definitionBody(
  api: WebApi,
  table: TableDefinition,
  select: readonly string[] | null,
  expansions: readonly Expansion[],
): Record<string, unknown> {
  const body = selectMembers(tableMetadata(table), select, 'EntityMetadata');
  for (const { name, select: members } of expansions) {
    if (name === 'Attributes') body[name] = attributesOf(table, members);
    else if (name === 'ManyToManyRelationships') body[name] = relationshipsOf(api.store, table, members);
    else if (/^(?:OneToMany|ManyToOne)Relationships$|^Keys$|^Privileges$/.test(name)) body[name] = [];
    else throw unknownProperty(name, 'EntityMetadata');
  }
  return body;
}
