import { badRequest, DataverseError } from '../web-api/dataverse-error.ts';
import { missingPrivilege } from './missing-privilege.ts';
import type { Reply } from '../web-api/reply.ts';
import { jsonObject } from '../web-api/request-body.ts';
import type { ApiCall, WebApi } from '../web-api/web-api.ts';

/** What the privilege to publish is filed under. */
const PUBLISHER = { logicalName: 'publisher', objectTypeCode: 7101 };

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
