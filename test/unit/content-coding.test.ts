import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decoded, UnknownCoding } from '../../src/dataverse/http/content-coding.ts';
import { createHttpClient, type HttpAnswer } from '../../src/dataverse/http/http-client.ts';
import { networkCode } from '../../src/dataverse/http/retry.ts';

const PAGE = Buffer.from(`{"value":[${'"\u00e9", '.repeat(5_000)}]}`);
/** What encodes by each name. */
const CODINGS: Record<string, (body: Buffer) => Buffer> = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  identity: (body) => body,
  '': (body) => body,
};

function encoded(page: Buffer, names: readonly string[]): Buffer {
  return names.reduce<Buffer>((body, name) => CODINGS[name.toLowerCase()]?.(body) ?? body, page);
}

const signal = new AbortController().signal;
const http = createHttpClient(500);
let answer: (response: ServerResponse) => void;
const server = createServer((_, response) => answer(response));

async function read(): Promise<HttpAnswer> {
  const address = server.address();
  const url = new URL(
    `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
  );
  return http.send({ method: 'GET', url, headers: {}, largest: 1e8 }, signal);
}

async function refusal(): Promise<unknown> {
  return read().then(
    ({ body }) => `${body.length} bytes`,
    (error: unknown) => error,
  );
}

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  http.close();
  server.close();
  server.closeAllConnections();
});

test('a body is read in any codings in a row, by names in any case, in one header or several', async () => {
  const coding = fc.constantFrom(...Object.keys(CODINGS));
  const spelled = coding.chain((name) => fc.mixedCase(fc.constant(name), { untoggleAll: (text) => text }));
  const codings = fc.array(fc.oneof(coding, spelled), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      codings,
      fc.boolean(),
      fc.constantFrom(PAGE, Buffer.from('{}')),
      async (names, several, page) => {
        answer = (response) => {
          response.setHeader('content-encoding', several ? names : names.join(' ,'));
          response.end(encoded(page, names));
        };
        expect(Buffer.from((await read()).body).equals(page)).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

test('a deflated body is read with and without the wrapper of zlib', async () => {
  for (const deflate of [deflateSync, deflateRawSync]) {
    answer = (response) => {
      response.setHeader('content-encoding', 'deflate');
      response.end(deflate(PAGE));
    };
    expect(Buffer.from((await read()).body).equals(PAGE)).toBe(true);
  }
});

test('a body of no bytes under a coding has no bytes', async () => {
  for (const name of ['gzip', 'GZip', 'deflate', 'br', 'gzip, gzip', 'identity, br', 'compress, identity']) {
    for (const status of [200, 204, 429, 503]) {
      answer = (response) => {
        response.writeHead(status, { 'content-encoding': name, 'retry-after': '7' });
        response.end();
      };
      const { status: said, body, headers } = await read();
      expect([said, body.length, headers.get('retry-after')]).toEqual([status, 0, '7']);
    }
  }
  // Whatever does not end in time is no empty body.
  answer = (response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.flushHeaders();
  };
  expect(await refusal()).toMatchObject({ name: 'TimeoutError' });
});

test('a coding that cannot be decoded is named', async () => {
  for (const name of ['zstd', 'compress', 'gzip, dcb', 'x y']) {
    answer = (response) => {
      response.setHeader('content-encoding', name);
      response.end('x');
    };
    expect(await refusal()).toBeInstanceOf(UnknownCoding);
  }
});

test('a body that is cut within any of its codings is a broken connection', async () => {
  const codings = fc.array(fc.constantFrom('gzip', 'deflate', 'br'), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(
      codings,
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      async (names, share) => {
        answer = (response) => {
          response.setHeader('content-encoding', names);
          const body = encoded(PAGE, names);
          // Ended properly, so that the coding alone tells.
          response.end(body.subarray(0, Math.max(1, Math.floor(body.length * share))));
        };
        expect(networkCode(await refusal())).toMatch(/^Z_|^ERR_/);
      },
    ),
    { numRuns: 60 },
  );
});

test('a refusal whose status says enough keeps it, though its body cannot be read', async () => {
  const bodies: Record<string, (response: ServerResponse) => void> = {
    'that is no gzip': (response) => response.end('busy'),
    'that stands still': (response) => response.write(gzipSync(PAGE).subarray(0, 20)),
    'that breaks': (response) => {
      response.write(gzipSync(PAGE).subarray(0, 20), () => response.destroy());
    },
  };
  for (const [what, send] of Object.entries(bodies)) {
    answer = (response) => {
      response.writeHead(429, { 'content-encoding': 'gzip', 'retry-after': '7' });
      send(response);
    };
    const { status, headers } = await read();
    expect([what, status, headers.get('retry-after')]).toEqual([what, 429, '7']);
    answer = (response) => {
      response.writeHead(400, { 'content-encoding': 'gzip' });
      send(response);
    };
    expect(await refusal()).toBeInstanceOf(Error);
  }
});

test('trailers come with the answer, of a compressed body too', async () => {
  for (const coding of ['identity', 'gzip']) {
    answer = (response) => {
      response.writeHead(200, { 'content-encoding': coding, trailer: 'OData-Error' });
      response.addTrailers({ 'OData-Error': 'x' });
      response.end(CODINGS[coding]?.(PAGE));
    };
    expect((await read()).trailers.get('odata-error')).toBe('x');
  }
});

test('a body that grows when it is decompressed is decoded no faster than it is read, in any coding', async () => {
  const whole = Buffer.alloc(16_000_000);
  const encoders = [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
  ] as const;
  for (const expected of [0, whole.length]) {
    for (const [coding, encode] of encoders) {
      const response = Object.assign(new PassThrough(), { headers: { 'content-encoding': coding } });
      const body = decoded(response as unknown as IncomingMessage, expected);
      response.end(encode(whole));
      await once(body, 'readable');
      await setTimeout(50);
      expect(body.readableLength).toBeLessThan(1_000_000);
      let length = 0;
      for await (const piece of body) length += (piece as Buffer).length;
      expect(length).toBe(whole.length);
    }
  }
});
