import { isDeepStrictEqual } from 'node:util';
import {
  badRequest,
  DataverseError,
  notEmulated,
  unknownProperty,
  unknownSegment,
} from '../web-api/dataverse-error.ts';
import { addressedTable } from '../metadata/entity-definitions.ts';
import { exactJson } from '../metadata/exact-json.ts';
import { missingPrivilege } from './missing-privilege.ts';
import type { Reply } from '../web-api/reply.ts';
import { jsonObject } from '../web-api/request-body.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';
import { tableMetadata } from '../definitions/entity-metadata.ts';
import type { ApiCall, WebApi } from '../web-api/web-api.ts';

/** The table of table definitions, which is what a customizer writes to. */
const ENTITY = { logicalName: 'entity', objectTypeCode: 9800 };

/** Members a client may send back as it likes: they say nothing about the table. */
const NOT_COMPARED = new Set(['ChangeTrackingEnabled', 'HasChanged']);

/**
 * Answers `PUT EntityDefinitions(…)`: switches change tracking on, from the next publication of the table.
 *
 * A PUT replaces the whole definition, so the body must have every member; leaving some out, or changing another
 * than ChangeTrackingEnabled, is sound but not emulated. Source: Microsoft, "Create and update table definitions
 * using the Web API"; change tracking "is not possible to disable" by "Use change tracking to synchronize data".
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
    // That it fails is documented, with which code is not.
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
