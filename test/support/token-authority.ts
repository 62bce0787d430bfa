import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import type { IncomingMessage, ServerResponse } from 'node:http';

const TLS = join(import.meta.dirname, '..', 'fixtures', 'tls');
export const CERTIFICATE = join(TLS, 'localhost-certificate.pem');

/** A sign-in service under https at this machine, in front of an emulator's token endpoint. */
export interface TokenAuthority extends AsyncDisposable {
  readonly url: string;
  /** Paths that were asked for. */
  readonly paths: string[];
  /** What was sent to the token endpoint. */
  readonly forms: URLSearchParams[];
  /** The tokens it gave out. */
  readonly tokens: string[];
  /** What it gives out in place of the emulator's tokens. */
  token: string | undefined;
}

/** @param named the emulator's address in its own answers. */
export async function openTokenAuthority(emulatorUrl: string, named = emulatorUrl): Promise<TokenAuthority> {
  const paths: string[] = [];
  const forms: URLSearchParams[] = [];
  const tokens: string[] = [];
  const options = {
    key: readFileSync(join(TLS, 'localhost-key.pem')),
    cert: readFileSync(CERTIFICATE),
  };
  const server = createServer(options, (request, response) => {
    void forward(request, response);
  });

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    paths.push(path);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const isToken = path.split('?')[0]?.endsWith('/token') === true;
    if (isToken) forms.push(new URLSearchParams(body));
    const method = request.method ?? 'GET';
    const sent = method === 'POST' ? { body } : {};
    const answer = await fetch(emulatorUrl + path, { method, redirect: 'manual', ...sent });
    // Discovery names the emulator's own address; wanted is the one that was asked, be it a proxy's.
    const asked = `https://${request.headers.host ?? ''}`;
    const given = (await answer.text()).replaceAll(named, asked);
    const text = given.replace(/(?<="access_token":")[^"]*/, (own) => authority.token ?? own);
    const token = /"access_token":"([^"]*)"/.exec(text)?.[1];
    if (token !== undefined) tokens.push(token);
    const type = answer.headers.get('content-type') ?? 'application/json';
    const location = answer.headers.get('location');
    response.writeHead(answer.status, { 'content-type': type, ...(location === null ? {} : { location }) });
    response.end(text);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const url = `https://localhost:${port}`;
  const authority: TokenAuthority = {
    url,
    paths,
    forms,
    tokens,
    token: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
  return authority;
}
