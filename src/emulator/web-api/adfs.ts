import type { AccessTokens } from './access-tokens.ts';
import type { EmulatorSettings } from '../emulator-settings.ts';
import type { Reply } from './web-api.ts';

const JSON_TYPE = { 'Content-Type': 'application/json;charset=UTF-8', 'Cache-Control': 'no-store' };

/**
 * `POST /adfs/oauth2/token` for client credentials with a secret, as AD FS 2016 answers it: `resource` names the relying
 * party, and a scope alone does not.
 */
export function adfsReply(
  form: URLSearchParams,
  tokens: AccessTokens,
  settings: EmulatorSettings,
  now: number,
): Reply {
  if (form.get('grant_type') !== 'client_credentials') {
    return refusal('unsupported_grant_type', "MSIS9605: The 'grant_type' parameter is not supported.");
  }
  const isClient = settings.clientId === null || form.get('client_id') === settings.clientId;
  if (!isClient || form.get('client_secret') !== settings.clientSecret) {
    return refusal('invalid_client', 'MSIS9607: The client credentials are not valid.');
  }
  const resource = form.get('resource');
  if (resource === null || (settings.adfsResource !== null && resource !== settings.adfsResource)) {
    return refusal('invalid_resource', "MSIS9602: The received 'resource' parameter is invalid.");
  }
  const token = { access_token: tokens.issue(settings, now, resource), token_type: 'bearer' };
  const body = JSON.stringify({ ...token, expires_in: settings.tokenLifetimeSeconds });
  return { status: 200, headers: JSON_TYPE, body };
}

function refusal(error: string, text: string): Reply {
  return { status: 400, headers: JSON_TYPE, body: JSON.stringify({ error, error_description: text }) };
}
