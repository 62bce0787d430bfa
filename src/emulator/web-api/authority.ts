import { randomUUID } from 'node:crypto';
import type { AccessTokens } from './access-tokens.ts';
import type { EmulatorSettings } from '../emulator-settings.ts';
import type { Reply } from './web-api.ts';

const JSON_TYPE = {
  'Content-Type': 'application/json; charset=utf-8',
  'Cache-Control': 'no-store, no-cache',
};

/** `POST /<tenant>/oauth2/v2.0/token` for client credentials, with a secret or with an assertion. */
export function tokenReply(
  form: URLSearchParams,
  tokens: AccessTokens,
  settings: EmulatorSettings,
  now: number,
): Reply {
  const grant = form.get('grant_type');
  if (grant !== 'client_credentials') {
    return refusal(
      400,
      'unsupported_grant_type',
      70003,
      `The app requested an unsupported grant type '${grant}'.`,
      now,
    );
  }
  const client = form.get('client_id');
  if (client === null || client === '') {
    return refusal(
      400,
      'invalid_request',
      900144,
      "The request body must contain the following parameter: 'client_id'.",
      now,
    );
  }
  if (settings.clientId !== null && client !== settings.clientId) {
    return refusal(
      400,
      'unauthorized_client',
      700016,
      `Application with identifier '${client}' was not found in the directory.`,
      now,
    );
  }
  const asserted =
    form.get('client_assertion_type') === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' &&
    (form.get('client_assertion') ?? '').split('.').length === 3;
  if (!asserted && form.get('client_secret') !== settings.clientSecret) {
    return refusal(
      401,
      'invalid_client',
      7000215,
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${client}'.`,
      now,
    );
  }
  const audience = (form.get('scope') ?? form.get('resource') ?? '').replace(/\/?\.default$/, '');
  const body = {
    token_type: 'Bearer',
    expires_in: settings.tokenLifetimeSeconds,
    ext_expires_in: settings.tokenLifetimeSeconds,
    access_token: tokens.issue(settings, now, audience),
  };
  return { status: 200, headers: JSON_TYPE, body: JSON.stringify(body) };
}

/** The discovery documents that authentication libraries read before they ask for a token. */
export function openIdReply(path: string, origin: string): Reply {
  if (path.endsWith('/discovery/instance')) {
    const host = new URL(origin).host;
    return {
      status: 200,
      headers: JSON_TYPE,
      body: JSON.stringify({
        tenant_discovery_endpoint: `${origin}/common/v2.0/.well-known/openid-configuration`,
        'api-version': '1.1',
        metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
      }),
    };
  }
  const tenant = path.split('/')[1] ?? 'common';
  const base = `${origin}/${tenant}`;
  return {
    status: 200,
    headers: JSON_TYPE,
    body: JSON.stringify({
      token_endpoint: `${base}/oauth2/v2.0/token`,
      token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
      jwks_uri: `${base}/discovery/v2.0/keys`,
      response_modes_supported: ['query', 'fragment', 'form_post'],
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
      response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
      scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
      issuer: `${base}/v2.0`,
      request_uri_parameter_supported: false,
      userinfo_endpoint: `${origin}/oidc/userinfo`,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
      http_logout_supported: true,
      end_session_endpoint: `${base}/oauth2/v2.0/logout`,
      tenant_region_scope: 'EU',
      cloud_instance_name: new URL(origin).host,
    }),
  };
}

function refusal(status: number, error: string, code: number, text: string, now: number): Reply {
  const trace = randomUUID();
  const correlation = randomUUID();
  const timestamp = `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return {
    status,
    headers: JSON_TYPE,
    body: JSON.stringify({
      error,
      error_description: `AADSTS${code}: ${text} Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${timestamp}`,
      error_codes: [code],
      timestamp,
      trace_id: trace,
      correlation_id: correlation,
    }),
  };
}
