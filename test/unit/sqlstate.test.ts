import { expect, test } from 'vitest';
import {
  DrizzleQueryError,
  isContention,
  isRowError,
  postgresFailure,
} from '../../src/mirror/connection/sqlstate.ts';
import { Failure } from '../../src/model/failure.ts';

function coded(code: string, message = 'as it came'): Error {
  return Object.assign(new Error(message), { code });
}

function failure(error: unknown): Failure {
  const result = postgresFailure(error);
  expect(result).toBeInstanceOf(Failure);
  return result as Failure;
}

test.each([
  '08000',
  '08006',
  '25006',
  '40001',
  '40P01',
  '53100',
  '53200',
  '53300',
  '55P03',
  '57014',
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '58030',
])('SQLSTATE %s passes by itself', (code) => {
  expect(failure(coded(code))).toMatchObject({
    code: 'database-unavailable',
    reaction: 'retry',
    details: { sqlstate: code },
  });
});

test.each([
  ['28P01', 'database-sign-in'],
  ['28000', 'database-sign-in'],
  ['3D000', 'database-missing'],
  ['42501', 'grant-missing'],
  ['42703', 'statement-failed'],
  ['22P02', 'statement-failed'],
  ['23505', 'statement-failed'],
  ['XX000', 'statement-failed'],
])('SQLSTATE %s is %s, which stops the table', (sqlstate, code) => {
  expect(failure(coded(sqlstate))).toMatchObject({ code, reaction: 'stop-table', details: { sqlstate } });
});

test.each([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOTFOUND',
])('a connection that breaks with %s is retried', (code) => {
  expect(failure(coded(code))).toMatchObject({ code: 'database-unreachable', reaction: 'retry' });
});

test('a host with several addresses that all refuse is unreachable', () => {
  const error = new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]);
  expect(failure(error)).toMatchObject({ code: 'database-unreachable', reaction: 'retry' });
});

test('an error that is not about PostgreSQL is returned unchanged', () => {
  for (const error of [new TypeError('x'), coded('ENOENT'), 'text', undefined]) {
    expect(postgresFailure(error)).toBe(error);
  }
});

test('a Failure is returned unchanged', () => {
  const original = new Failure({ code: 'lease-lost', message: 'm', remedy: 'r' });
  expect(postgresFailure(original)).toBe(original);
  expect(postgresFailure(new DrizzleQueryError('update', [], original))).toBe(original);
});

test('the error inside an error of drizzle decides', () => {
  const wrapped = new DrizzleQueryError('select 1', [], coded('57P01'));
  expect(failure(wrapped)).toMatchObject({ code: 'database-unavailable', details: { sqlstate: '57P01' } });
  expect(isContention(new DrizzleQueryError('select 1', [], coded('40P01')))).toBe(true);
});

test.each([
  ['40001', true],
  ['40P01', true],
  ['55P03', true],
  ['57014', false],
  ['23505', false],
])('SQLSTATE %s is contention: %s', (code, expected) => {
  expect(isContention(coded(code))).toBe(expected);
});

test.each([
  ['22P02', true],
  ['22003', true],
  ['23502', true],
  ['40001', false],
  ['42703', false],
  ['ECONNRESET', false],
])("SQLSTATE %s is the row's fault: %s", (code, expected) => {
  expect(isRowError(coded(code))).toBe(expected);
});
