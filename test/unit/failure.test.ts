import { expect, test } from 'vitest';
import { Failure, toFailure } from '../../src/model/failure.ts';

const OPTIONS = { code: 'drift', message: 'It drifted.', remedy: 'Mend it.' } as const;

test('a failure is an error with its class, its remedy and its cause', () => {
  const cause = new Error('inside');
  const failure = new Failure({ ...OPTIONS, cause, details: { table: 'account' } });
  expect(failure).toBeInstanceOf(Error);
  expect(failure).toMatchObject({
    ...OPTIONS,
    reaction: 'stop-table',
    name: 'Failure',
    details: { table: 'account' },
  });
  expect(failure.cause).toBe(cause);
});

test('a failure without details or cause has no cause and empty details', () => {
  const failure = new Failure(OPTIONS);
  expect(failure.details).toEqual({});
  expect('cause' in failure).toBe(false);
});

test('a Failure passes through toFailure unchanged', () => {
  const failure = new Failure(OPTIONS);
  expect(toFailure(failure)).toBe(failure);
});

test.each([
  [new TypeError('x is not a function'), 'Unexpected: x is not a function'],
  ['a text', 'Unexpected: thrown, but no error'],
  [undefined, 'Unexpected: thrown, but no error'],
  [null, 'Unexpected: thrown, but no error'],
])('a thrown %s is a defect that stops the table and is kept as the cause', (thrown, message) => {
  const failure = toFailure(thrown);
  expect(failure).toMatchObject({ code: 'unexpected', reaction: 'stop-table', message });
  expect(failure.remedy).toContain('report');
  expect(failure.cause).toBe(thrown);
});
