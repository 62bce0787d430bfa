import { attributes, attributesOf } from './entity-attributes.ts';
import { badRequest, DataverseError, unknownProperty, unknownSegment } from './dataverse-error.ts';
import { exactJson } from './exact-json.ts';
import { parseExpand, type Expansion } from './expand-option.ts';
import { contextMembers, selectMembers } from './metadata-selection.ts';
import { metadataFilter } from './metadata-filter.ts';
import { listOption } from './query-options.ts';
import { jsonReply, type Reply } from './reply.ts';
import type { TableDefinition } from './table-definition.ts';
import { tableMetadata } from './table-metadata.ts';
import type { ApiCall, WebApi } from './web-api.ts';

const ADDRESS = /^EntityDefinitions(?:\((?:LogicalName='([^']*)'|([0-9a-fA-F-]{36}))\)(?:\/(.*))?)?$/;
const REFUSED = ['$top', '$orderby', '$count', '$skiptoken'];

/** Serves EntityDefinitions and everything below. Metadata never pages. */
export function entityDefinitions(api: WebApi, call: ApiCall): Reply {
  for (const name of REFUSED) {
    if (call.options.has(name)) throw badRequest(`The query parameter ${name} is not supported`);
  }
  const address = ADDRESS.exec(call.request.resource ?? '');
  if (address === null) throw unknownSegment(call.request.resource ?? '');
  const [, logicalName, metadataId, rest] = address;
  if (logicalName === undefined && metadataId === undefined) return collection(api, call);
  const table = findTable(api, logicalName, metadataId);
  if (rest === undefined || rest === '') return single(call, table);
  return attributes(call, table, rest);
}

function collection(api: WebApi, call: ApiCall): Reply {
  const select = listOption(call.options, '$select');
  const expansions = parseExpand(call.options.get('$expand'));
  const matches = metadataFilter(call.options.get('$filter'), 'EntityMetadata');
  const value = [...api.store.tables.values()]
    .filter((table) => matches(tableMetadata(table)))
    .map((table) => definitionBody(table, select, expansions));
  const context = `${call.root}/$metadata#EntityDefinitions${contextMembers(select, expansions)}`;
  return jsonReply(exactJson({ '@odata.context': context, value }));
}

function single(call: ApiCall, table: TableDefinition): Reply {
  const select = listOption(call.options, '$select');
  const expansions = parseExpand(call.options.get('$expand'));
  const context = `${call.root}/$metadata#EntityDefinitions${contextMembers(select, expansions)}/$entity`;
  return jsonReply(exactJson({ '@odata.context': context, ...definitionBody(table, select, expansions) }));
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
  table: TableDefinition,
  select: readonly string[] | null,
  expansions: readonly Expansion[],
): Record<string, unknown> {
  const body = selectMembers(tableMetadata(table), select, 'EntityMetadata');
  for (const { name, select: members } of expansions) {
    if (name === 'Attributes') body[name] = attributesOf(table, members);
    else if (/^(?:OneToMany|ManyToOne|ManyToMany)Relationships$|^Keys$|^Privileges$/.test(name))
      body[name] = [];
    else throw unknownProperty(name, 'EntityMetadata');
  }
  return body;
}
