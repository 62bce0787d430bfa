import { jsonReply, type Reply } from '../web-api/reply.ts';
import type { ApiCall } from '../web-api/web-api.ts';

/** English and German: the languages that every label of the emulated organization has. */
const LANGUAGES = [1033, 1031];

/** Serves RetrieveProvisionedLanguages: the language packs that are installed and enabled. */
export function provisionedLanguages(call: ApiCall): Reply {
  const context = `${call.root}/$metadata#Microsoft.Dynamics.CRM.RetrieveProvisionedLanguagesResponse`;
  return jsonReply(JSON.stringify({ '@odata.context': context, RetrieveProvisionedLanguages: LANGUAGES }));
}
