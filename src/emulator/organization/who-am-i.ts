import { jsonReply, type Reply } from '../web-api/reply.ts';
import type { ApiCall, WebApi } from '../web-api/web-api.ts';

/** The cheapest call there is: who asks, and of which organization. */
export function whoAmI(api: WebApi, call: ApiCall): Reply {
  return jsonReply(
    JSON.stringify({
      '@odata.context': `${call.root}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse`,
      BusinessUnitId: api.store.businessUnitId,
      UserId: api.settings.userId,
      OrganizationId: api.store.organizationId,
    }),
  );
}
