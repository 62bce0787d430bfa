import { isDeepStrictEqual } from 'node:util';
import {
  badRequest,
  DataverseError,
  notEmulated,
  unknownProperty,
  unknownSegment,
  missingPrivilege,
} from '../web-api/dataverse-error.ts';
import { addressedTable } from '../metadata/entity-definitions.ts';
import { exactJson } from '../metadata/exact-json.ts';
import type { Reply, ApiCall, WebApi } from '../web-api/web-api.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';
import { tableMetadata } from '../metadata/entity-metadata.ts';

/** The table of table definitions. A customizer needs the privilege to write to it. */
const ENTITY = { logicalName: 'entity', objectTypeCode: 9800 };

/** The table that the error for the missing privilege to publish names. */
const PUBLISHER = { logicalName: 'publisher', objectTypeCode: 7101 };

/** Members that a client may change, or whose value does not matter. */
const NOT_COMPARED = new Set(['ChangeTrackingEnabled', 'HasChanged']);

/**
 * Answers `PUT EntityDefinitions(…)`: switches change tracking on, from the next publication of the table.
 *
 * A PUT replaces the whole definition, so the body must have every member. A live organization also accepts a body
 * without some members, or with other changes than ChangeTrackingEnabled; the emulator does not. Source: Microsoft,
 * "Create and update table definitions using the Web API". Change tracking "is not possible to disable" according to
 * "Use change tracking to synchronize data".
 */
export function updateTableDefinition(api: WebApi, call: ApiCall): Reply {
  const { store, settings } = api;
  if (!settings.mayCustomize) throw missingPrivilege(settings.userId, 'prvWriteEntity', ENTITY);
  const { table, rest } = addressedTable(api, call);
  if (table === null || rest !== '') throw unknownSegment(rest);
  const body = jsonObject(call.body);
  refuseOtherChanges(table, body);
  const wanted = body['ChangeTrackingEnabled'];
  if (typeof wanted !== 'boolean') throw badRequest('ChangeTrackingEnabled must be a boolean.');
  if (wanted && !table.changeTrackingEnabled) {
    if (!table.canChangeTrackingBeEnabled) throw managedPropertyFailure(table);
    store.customize(table.logicalName, { changeTrackingEnabled: true });
  }
  if (!wanted && table.changeTrackingEnabled) {
    // The documentation says that this fails, but not with which code.
    throw new DataverseError(400, '0x80040203', 'Change tracking cannot be disabled once it is enabled.');
  }
  return { status: 204, headers: {}, body: '' };
}

function refuseOtherChanges(table: TableDefinition, body: Readonly<Record<string, unknown>>): void {
  const known = JSON.parse(exactJson(tableMetadata(table))) as Record<string, unknown>;
  for (const [name, value] of Object.entries(known)) {
    if (!(name in body)) throw notEmulated(`A PUT of a table definition without ${name}`);
    if (!NOT_COMPARED.has(name) && !isDeepStrictEqual(body[name], value)) {
      throw notEmulated(`A change of ${name}`);
    }
  }
  const unknown = Object.keys(body).find((name) => !(name in known) && !name.includes('@odata.'));
  if (unknown !== undefined) throw unknownProperty(unknown, 'EntityMetadata');
}

function managedPropertyFailure({ schemaName, metadataId }: TableDefinition): DataverseError {
  return new DataverseError(
    400,
    '0x8004f026',
    `The evaluation of the current component(name=Entity, id=${metadataId}) in the current operation (Update) failed during ` +
      `managed property evaluation of condition: 'Managed Property Name: canchangetrackingbeenabled; Component Name: Entity; Attribute Name: ${schemaName}'`,
  );
}

/**
 * Answers `POST PublishXml` and `POST PublishAllXml`: puts customizations of tables into effect.
 *
 * PublishXml takes `{"ParameterXml": "<importexportxml><entities><entity>account</entity></entities></importexportxml>"}`.
 * Source: Microsoft, "PublishXml Action" and "Publish request schema".
 */
export function publishXml(api: WebApi, call: ApiCall): Reply {
  const { store, settings } = api;
  if (!settings.mayCustomize) throw missingPrivilege(settings.userId, 'prvPublishCustomization', PUBLISHER);
  if (call.request.resource === 'PublishAllXml') store.publish();
  else store.publish(namedTables(api, call));
  return { status: 204, headers: {}, body: '' };
}

function namedTables(api: WebApi, call: ApiCall): string[] {
  const xml = jsonObject(call.body)['ParameterXml'];
  if (typeof xml !== 'string' || !/^\s*<importexportxml[\s>]/.test(xml)) {
    throw badRequest('ParameterXml must hold an importexportxml element.');
  }
  const tables = [...xml.matchAll(/<entity>\s*([^<]*?)\s*<\/entity>/g)].map((match) => match[1] ?? '');
  const unknown = tables.find((table) => !api.store.has(table));
  if (unknown === undefined) return tables;
  throw new DataverseError(
    404,
    '0x80041102',
    `The entity with a name = '${unknown}' with namemapping = 'Logical' was not found in the MetadataCache.`,
  );
}

/** The JSON object in the body of a request. Throws 400 for any other body. */
function jsonObject(body: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    value = null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest('An error occurred while validating input parameters: the body is no JSON object.');
  }
  return value as Record<string, unknown>;
}
