import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CERTIFICATE } from './token-authority.ts';

/** What the person does with the code. */
export type Person = 'waits' | 'enters' | 'declines';

/** A sign-in service for device codes (RFC 8628), under https at this machine. */
export interface DeviceCodeAuthority extends AsyncDisposable {
  readonly url: string;
  person: Person;
  /** What was sent for codes and for tokens, in this order. */
  readonly forms: { readonly path: string; readonly form: URLSearchParams }[];
}

const USER_CODE = 'CANARY-42';

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** @param token that a person who enters the code gets. */
export async function openDeviceCodeAuthority(token: string): Promise<DeviceCodeAuthority> {
  const options = {
    key: readFileSync(join(CERTIFICATE, '..', 'localhost-key.pem')),
    cert: readFileSync(CERTIFICATE),
  };
  const server = createServer(options, (request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  const authority: DeviceCodeAuthority = {
    url,
    person: 'enters',
    forms: [],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url?.split('?')[0] ?? '';
    const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
    if (request.method === 'POST') authority.forms.push({ path, form });
    const [status, body] = reply(path, form.get('client_id') ?? '');
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  }

  function reply(path: string, client: string): [number, object] {
    const tenant = `${url}/${path.split('/')[1] ?? ''}`;
    if (path.endsWith('/devicecode')) {
      const page = 'https://microsoft.com/devicelogin';
      const code = { device_code: 'canary-device', user_code: USER_CODE, verification_uri: page };
      return [200, { ...code, expires_in: 2, interval: 1, message: 'as the service says it' }];
    }
    if (path.endsWith('/token')) {
      if (authority.person === 'waits') return [400, { error: 'authorization_pending' }];
      if (authority.person === 'declines') return [400, { error: 'authorization_declined' }];
      const claims = { aud: client, iss: `${tenant}/v2.0`, oid: 'oid', tid: 'tid', sub: 'sub', ver: '2.0' };
      return [
        200,
        {
          token_type: 'Bearer',
          expires_in: 3_600,
          access_token: token,
          refresh_token: 'canary-refresh',
          id_token: `${base64({ alg: 'none' })}.${base64(claims)}.`,
          client_info: base64({ uid: 'oid', utid: 'tid' }),
        },
      ];
    }
    return [
      200,
      {
        issuer: `${tenant}/v2.0`,
        authorization_endpoint: `${tenant}/oauth2/v2.0/authorize`,
        token_endpoint: `${tenant}/oauth2/v2.0/token`,
        device_authorization_endpoint: `${tenant}/oauth2/v2.0/devicecode`,
        jwks_uri: `${tenant}/discovery/v2.0/keys`,
      },
    ];
  }

  return authority;
}
