import { expect, test } from 'vitest';
import { readApiError } from '../../src/dataverse/http/api-error.ts';
import { apiFailure, exhausted, type Subject } from '../../src/dataverse/http/api-failure.ts';
import { classify } from '../../src/dataverse/http/retry.ts';
import type { Failure } from '../../src/model/failure.ts';
import { fixtureJson } from './fixture.ts';

interface Answer {
  readonly status: number;
  readonly body: { readonly error: { readonly code: string; readonly message: string } };
}
type Sample = Answer | { readonly sdkFault: number; readonly hex: string; readonly message: string };

const SAMPLES = fixtureJson('error-answers.json') as Sample[];
const ANSWERS = SAMPLES.filter((sample): sample is Answer => 'body' in sample).map((sample) => ({
  ...sample,
  code: sample.body.error.code,
}));

const ASKED = {
  token: 'canary.of.a-token',
  url: new URL('https://org.crm.dynamics.com/api/data/v9.2/accounts'),
};

function failureFor(status: number, body: object, subject: Subject): Failure {
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  return apiFailure(readApiError(status, new Headers(), bytes, 0, ASKED), subject);
}

const THROTTLED = ['0x80072321', '0x80072322', '0x80072326'];

test.each(ANSWERS)('an answer $status $code is classified as throttling or final', ({ status, code }) => {
  expect(classify({ status, code })).toBe(THROTTLED.includes(code) ? 'throttled' : 'final');
});

const MEANINGS = new Map([
  ['0x8006088a', 'table-not-found'],
  ['0x80060882', 'request-refused'],
  ['0x80072560', 'not-a-member'],
  ['0x80048d0b', 'request-refused'],
  ['0x80072325', 'request-refused'],
  ['0x80040217', 'table-not-found'],
]);

test.each(ANSWERS.filter(({ code }) => MEANINGS.has(code)))(
  '$status $code about a table stops it, naming status, code, table and remedy',
  ({ status, body, code }) => {
    const failure = failureFor(status, body, { table: 'account' });
    expect(failure).toMatchObject({ code: MEANINGS.get(code), reaction: 'stop-table' });
    expect(failure.message).toContain(`${status} ${code}: ${body.error.message.split(/ (?=['(])/)[0] ?? ''}`);
    expect(failure.remedy).not.toBe('');
    expect(failure.details).toMatchObject({ status, errorCode: code, table: 'account' });
  },
);

test('a code with two meanings is an unknown table only under a 404', () => {
  const codes = ANSWERS.filter(({ code }) => code === '0x80060888').map(
    ({ status, body }) => [status, failureFor(status, body, { table: 'account' }).code] as const,
  );
  expect(codes).toEqual([
    [404, 'table-not-found'],
    [400, 'request-refused'],
  ]);
});

test('an address that the firewall blocks is not called a missing privilege', () => {
  const blocked = ANSWERS.find(({ code }) => code === '0x80095ffe');
  expect(blocked).toBeDefined();
  const failure = failureFor(403, blocked?.body ?? {}, { table: 'account' });
  expect(failure.reaction).toBe('stop-table');
  expect(failure.code).not.toBe('privilege-missing');
});

test('an expired version stamp re-baselines, in hexadecimal and as the older decimal', () => {
  const fault = SAMPLES.find((sample) => 'sdkFault' in sample);
  expect(fault).toBeDefined();
  for (const code of [fault?.hex, fault?.sdkFault, String(fault?.sdkFault)]) {
    const failure = failureFor(400, { error: { code, message: fault?.message } }, { table: 'account' });
    expect(failure).toMatchObject({ code: 'link-expired', reaction: 'rebaseline' });
  }
});

test.each([
  ['delta', 410, 'link-expired'],
  ['delta', 404, 'link-expired'],
  ['next', 410, 'link-expired'],
  ['delta', 403, 'privilege-missing'],
  ['delta', 400, 'request-refused'],
] as const)('a %s link answered with a bare %d is %s', (link, status, code) => {
  expect(failureFor(status, { error: { code: '', message: '' } }, { table: 'account', link }).code).toBe(
    code,
  );
});

test.each([
  { table: 'account', link: 'delta' },
  { table: 'account', link: 'next' },
  { table: 'account' },
  {},
] as const)('a page of a proxy under 404 for %j is tried again and says nothing about a table', (subject) => {
  const page = new TextEncoder().encode('<h2>404 - File or directory not found.</h2>');
  const failure = apiFailure(readApiError(404, new Headers(), page, 0, ASKED), subject);
  expect(failure).toMatchObject({ code: 'unexpected-answer', reaction: 'retry' });
});

test.each(['0x80041129', '0x8004112a', '0x8004430a'])(
  'a paging cookie refused with %s re-baselines',
  (code) => {
    const body = { error: { code, message: 'The paging cookie is bad.' } };
    expect(failureFor(400, body, { table: 'account', link: 'next' }).reaction).toBe('rebaseline');
    expect(failureFor(400, body, { table: 'account', link: 'delta' }).reaction).toBe('stop-table');
    expect(failureFor(400, body, { table: 'account' }).reaction).toBe('stop-table');
  },
);

test.each([
  ['0x80072491', 'change-tracking-off'],
  ['0x80040220', 'privilege-missing'],
  ['0x80040225', 'not-a-member'],
])('the code %s means %s under any status', (code, expected) => {
  for (const status of [400, 403, 404, 500]) {
    const failure = failureFor(
      status,
      { error: { code, message: 'm' } },
      { table: 'account', link: 'delta' },
    );
    expect(failure).toMatchObject({ code: expected, reaction: 'stop-table' });
  }
});

test('trouble that outlasts its retries is tried again by a later run', () => {
  const cause = new Error('x');
  const failure = exhausted('503', 6, { table: 'account' }, cause);
  expect(failure).toMatchObject({ code: 'source-unavailable', reaction: 'retry', cause });
  expect(failure.message).toBe('A request about table account failed 6 times, last with 503.');
});
