import { isDeepStrictEqual } from 'node:util';
import type { Column } from '../../definitions/column.ts';
import type { TableDefinition } from '../../definitions/emulated-table.ts';
import { parseDeltaToken, writeDeltaToken } from '../../rows/delta-token.ts';
import {
  badRequest,
  DataverseError,
  missingPrivilege,
  unknownSegment,
} from '../../web-api/dataverse-error.ts';
import { jsonReply, type ApiCall, type Reply, type WebApi } from '../../web-api/web-api.ts';
import { wholeAttribute } from '../entity-attributes.ts';
import { tableMetadata } from '../entity-metadata.ts';
import { exactJson } from '../exact-json.ts';
import { relationshipsOf } from '../relationship-definitions.ts';
import { queriedMembers, readEntityQuery, type EntityQuery } from './metadata-query.ts';

const DAY = 86_400_000;
const ENTITY = { logicalName: 'entity', objectTypeCode: 9800 };

/**
 * Serves RetrieveMetadataChanges. Without a stamp it returns all that the query asks for. With one, it returns the
 * tables that have changed since, each with the columns that have changed, and the ids of what is gone. Sources:
 * Microsoft, "RetrieveMetadataChanges Function", "Query schema definitions" and "Cache schema data".
 */
export function metadataChanges(api: WebApi, call: ApiCall): Reply {
  const { store, settings } = api;
  if (settings.metadataChanges === 'unknown') throw unknownSegment('RetrieveMetadataChanges');
  if (settings.metadataChanges === 'denied') throw missingPrivilege(settings.userId, 'prvReadEntity', ENTITY);
  const parameters = readParameters(call);
  const query = readEntityQuery(parameters.get('Query') ?? '{}');
  const stamp = parameters.get('ClientVersionStamp');
  const since = stamp === undefined ? undefined : readStamp(api, stamp);
  const wantsDeleted = parameters.has('DeletedMetadataFilters') && since !== undefined;
  const before = since === undefined ? undefined : store.modelHistory.since(since);
  const found = [...store.tables.values()].flatMap((table) => {
    if (before !== undefined && !before.has(table.logicalName)) return [];
    return query.wants(tableMetadata(table)) ? [changedTable(api, query, table, before)] : [];
  });
  const deleted = wantsDeleted
    ? deletedParts(store.tables, before ?? new Map())
    : new Map<string, string[]>();
  return jsonReply(
    exactJson({
      '@odata.context': `${call.root}/$metadata#Microsoft.Dynamics.CRM.RetrieveMetadataChangesResponse`,
      ServerVersionStamp: writeDeltaToken({ version: BigInt(store.metadataVersion), issuedAt: api.now() }),
      DeletedMetadata: {
        Count: deleted.size,
        IsReadOnly: false,
        Keys: [...deleted.keys()],
        Values: [...deleted.values()].map((Items) => ({ Items })),
      },
      EntityMetadata: found.filter((each) => each !== null),
    }),
  );
}

/** The values of the function's parameters, which the address names by aliases. */
function readParameters(call: ApiCall): ReadonlyMap<string, string> {
  const list = /\((.*)\)$/.exec(call.request.resource ?? '')?.[1] ?? '';
  return new Map(
    list.split(',').map((pair): [string, string] => {
      const [name = '', alias = ''] = pair.split('=');
      const value = call.options.get(alias);
      if (value === undefined) throw badRequest(`The parameter alias ${alias} has no value.`);
      return [name, value];
    }),
  );
}

/** The metadata version of a stamp. Source of the code: Microsoft, "Cache schema data". */
function readStamp({ settings, now }: WebApi, text: string): number {
  const stamp = parseDeltaToken(/^'(.*)'$/.exec(text)?.[1] ?? '');
  if (stamp === undefined) throw badRequest('ClientVersionStamp is not valid.');
  if (now() - stamp.issuedAt <= settings.expireSubscriptionsInDays * DAY) return Number(stamp.version);
  throw new DataverseError(
    400,
    '0x80044352',
    'Version stamp associated with the client has expired. Please perform a full sync.',
  );
}

function changedTable(
  { store, settings }: WebApi,
  query: EntityQuery,
  table: TableDefinition,
  before: ReadonlyMap<string, TableDefinition | undefined> | undefined,
): Record<string, unknown> | null {
  const old = before?.get(table.logicalName);
  const isNew = before !== undefined && old === undefined;
  const parts = table.columns
    .map((column, index) => ({ column, number: index + 1 }))
    .filter(({ column }) => old === undefined || hasChanged(column, old, settings.globalChoices));
  const isChanged =
    isNew || (old !== undefined && !isDeepStrictEqual(withoutColumns(old), withoutColumns(table)));
  if (before !== undefined && !isChanged && parts.length === 0) return null;
  const mark = before === undefined ? null : isChanged;
  const attributes = parts
    .map(({ column, number }) => wholeAttribute(table, column, number))
    .filter((each) => query.attributes.wants(each))
    .map((each) => ({ ...each, HasChanged: before === undefined ? null : true }))
    .map((each) => queriedMembers(each, query.attributes, 'AttributeMetadata'));
  const relationships = relationshipsOf(store, table, null);
  const members = { ...tableMetadata(table), HasChanged: mark, Attributes: attributes };
  return queriedMembers({ ...members, ManyToManyRelationships: relationships }, query, 'EntityMetadata');
}

function hasChanged(column: Column, table: TableDefinition, globalChoices: 'told' | 'untold'): boolean {
  const before = table.columns.find(({ logicalName }) => logicalName === column.logicalName);
  if (before === undefined) return true;
  const isUntold = globalChoices === 'untold' && column.optionSet?.isGlobal === true;
  return !isDeepStrictEqual(isUntold ? { ...before, optionSet: column.optionSet } : before, column);
}

function withoutColumns(table: TableDefinition): unknown {
  return { ...table, columns: [] };
}

/** The ids of tables and columns that are gone, by kind. */
function deletedParts(
  tables: ReadonlyMap<string, TableDefinition>,
  before: ReadonlyMap<string, TableDefinition | undefined>,
): ReadonlyMap<string, string[]> {
  const deleted = new Map<string, string[]>();
  const add = (kind: string, id: unknown): void => {
    deleted.set(kind, [...(deleted.get(kind) ?? []), String(id)]);
  };
  for (const [name, old] of before) {
    if (old === undefined) continue;
    const now = tables.get(name);
    if (now?.metadataId !== old.metadataId) add('Entity', old.metadataId);
    const ids = new Set(now?.columns.map((column, at) => wholeAttribute(now, column, at)['MetadataId']));
    for (const [at, column] of old.columns.entries()) {
      const id = wholeAttribute(old, column, at)['MetadataId'];
      if (!ids.has(id)) add('Attribute', id);
    }
  }
  return deleted;
}
