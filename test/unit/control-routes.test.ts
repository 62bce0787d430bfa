import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Failure } from '../../src/model/failure.ts';
import { controlRoutes, type HttpAct } from '../../src/operations/http/control-routes.ts';
import { openHttpPort, type HttpPort } from '../support/http-port.ts';

const TOKEN = 'a-token-of-some-length';

let http: HttpPort;
let token: string | undefined = TOKEN;
let acts: HttpAct[] = [];

const act = async (asked: HttpAct): Promise<object> => {
  await Promise.resolve();
  if (asked.table === 'nobody') throw new Failure({ code: 'table-not-known', message: 'No table nobody.' });
  if (asked.table === 'old') throw new Failure({ code: 'pause-without-effect', message: 'Over at once.' });
  if (asked.table === 'away') throw new Failure({ code: 'database-unreachable', message: 'Away.' });
  acts.push(asked);
  return { table: asked.table };
};

beforeAll(async () => {
  http = await openHttpPort(controlRoutes({ token: () => token, act }));
});
afterAll(async () => http[Symbol.asyncDispose]());
beforeEach(() => {
  token = TOKEN;
  acts = [];
});

interface Said {
  readonly status: number;
  readonly code: string | undefined;
  readonly whole: boolean;
}

async function post(
  path: string,
  body?: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Said> {
  const answer = await fetch(`${http.url}/api/v1/tables/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const said = (await answer.json()) as { code?: string; message?: string; remedy?: string };
  const whole = (said.message ?? '') !== '' && (said.remedy ?? '') !== '';
  return { status: answer.status, code: said.code, whole };
}

const refused = (status: number, code: string): Said => ({ status, code, whole: true });

test('nobody can act over HTTP without a token', async () => {
  token = undefined;
  expect(await post('account/pause', '{}')).toEqual(refused(404, 'control-off'));
  expect(acts).toEqual([]);
});

test('an act needs the whole token, and no other one will do', async () => {
  const others = [
    '',
    'Bearer',
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
    `Basic ${TOKEN}`,
    TOKEN,
    `Bearer ${TOKEN.toUpperCase()}`,
  ];
  for (const authorization of others) {
    expect(await post('account/pause', '{}', { authorization })).toEqual(refused(401, 'token-refused'));
  }
  expect(acts).toEqual([]);
  expect((await post('account/pause', '{}', { authorization: `bearer ${TOKEN}` })).status).toBe(200);
});

test('an act from the page of another site is refused, and one from the own page is not', async () => {
  for (const site of ['cross-site', 'same-site', 'odd']) {
    expect(await post('account/resume', '{}', { 'sec-fetch-site': site })).toEqual(
      refused(403, 'foreign-site'),
    );
  }
  expect((await post('account/resume', '{}', { 'sec-fetch-site': 'same-origin' })).status).toBe(200);
});

test('an act takes JSON and nothing else', async () => {
  expect(await post('account/pause', '{}', { 'content-type': 'text/plain' })).toEqual(
    refused(415, 'json-needed'),
  );
  expect(
    (await post('account/pause', '{}', { 'content-type': 'application/json; charset=utf-8' })).status,
  ).toBe(200);
  expect((await post('account/resync')).status).toBe(200);
  const odd = [
    '',
    '{',
    '[]',
    'null',
    '"1h"',
    '{"for":1}',
    '{"for":"1"}',
    '{"for":"-1h"}',
    '{"for":"99999d"}',
    '{"until":"tomorrow"}',
    '{"until":"2026-11-28T14:20:00Z","for":"1h"}',
    '{"reason":1}',
    '{"reasons":"x"}',
    `{"reason":"${'x'.repeat(501)}"}`,
  ];
  for (const body of odd.slice(1))
    expect(await post('account/pause', body)).toEqual(refused(400, 'request-odd'));
  expect(await post('account/resume', '{"reason":"x"}')).toEqual(refused(400, 'request-odd'));
  expect(await post('account/pause', `{"reason":"${'x'.repeat(17_000)}"}`)).toEqual(
    refused(413, 'body-too-large'),
  );
});

test('an act reaches the table with its end and its reason', async () => {
  const before = Date.now();
  await post('account/pause', '{"for":"90m","reason":"import"}');
  await post(`${encodeURIComponent('odd /name?')}/pause`, '{"until":"2030-01-01T00:00:00+02:00"}');
  await post('contact/resync', '{}');
  await post('contact/verify', '{}');
  const [first, ...others] = acts;
  expect(first).toMatchObject({ command: 'pause', table: 'account', reason: 'import' });
  expect(Math.round((Number(first?.until) - before) / 60_000)).toBe(90);
  expect(others).toEqual([
    { command: 'pause', table: 'odd /name?', until: new Date('2029-12-31T22:00:00Z') },
    { command: 'resync', table: 'contact' },
    { command: 'verify', table: 'contact' },
  ]);
});

test('an act that fails says by its status who has to do something', async () => {
  expect(await post('nobody/pause', '{}')).toEqual(refused(404, 'table-not-known'));
  expect(await post('old/pause', '{}')).toEqual(refused(409, 'pause-without-effect'));
  expect(await post('away/pause', '{}')).toEqual(refused(503, 'database-unreachable'));
});
