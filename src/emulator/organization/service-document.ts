import { jsonReply, type Reply } from '../web-api/reply.ts';
import type { ApiCall, WebApi } from '../web-api/web-api.ts';

/** Serves the list of entity sets. */
export function serviceDocument(api: WebApi, call: ApiCall): Reply {
  const sets = [...api.store.tables.values()].map((table) => table.entitySetName);
  return jsonReply(
    JSON.stringify({
      '@odata.context': `${call.root}/$metadata`,
      value: sets.map((name) => ({ name, kind: 'EntitySet', url: name })),
    }),
  );
}
