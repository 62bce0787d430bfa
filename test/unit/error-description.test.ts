import { DrizzleQueryError } from '../../src/mirror/connection/sqlstate.ts';
import { array, assert, property, string } from 'fast-check';
import { DatabaseError } from 'pg';
import { expect, test } from 'vitest';
import { describeError, safeMessage } from '../../src/model/error-description.ts';
import { toFailure } from '../../src/model/failure.ts';

const SECRET = 'c4nary value';

function databaseError(code: string): DatabaseError {
  const error = new DatabaseError(`invalid input syntax for type integer: "${SECRET}"`, 1, 'error');
  return Object.assign(error, {
    code,
    detail: `Failing row contains (${SECRET}).`,
    where: `COPY: ${SECRET}`,
  });
}

/** Errors that quote data, each in its own way. */
const QUOTING: readonly (readonly [name: string, error: Error])[] = [
  ["PostgreSQL's", databaseError('22P02')],
  ['drizzle around it', new DrizzleQueryError('update t set link = $1', [SECRET], databaseError('23505'))],
  ['JSON', parseError(() => void JSON.parse(`{"a":${SECRET}}`))],
  ['BigInt', parseError(() => void BigInt(SECRET))],
  ['an address', parseError(() => void new URL(`postgres://u:${SECRET}@host:port/db`))],
  ['a header', parseError(() => void new Headers({ authorization: `Bearer ${SECRET}\n\u0000` }))],
  ['an argument', parseError(() => void Buffer.alloc(SECRET as unknown as number))],
  ['an address in words', new Error('cannot reach postgres://u:c4nary@host/db')],
];

function parseError(work: () => void): Error {
  try {
    work();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('nothing was thrown');
}

test.each(QUOTING)('an error that quotes data is described without the data: %s', (_, error) => {
  const wrapped = new AggregateError([error], 'several', { cause: new Error('outer', { cause: error }) });
  for (const thrown of [error, wrapped]) {
    expect(JSON.stringify(describeError(thrown))).not.toContain('c4nary');
    expect(toFailure(thrown).message).not.toContain('c4nary');
  }
});

test('a description of a PostgreSQL error has no value, wherever the value stands', () => {
  assert(
    property(array(string({ minLength: 1 }), { minLength: 1 }), (values) => {
      const text = `«${values.join('')}»`;
      const error = Object.assign(databaseError('23514'), { message: text, detail: text, hint: text });
      error.stack = `error: ${text}\n    at parse (file.js:1:1)`;
      expect(JSON.stringify(describeError(error))).not.toContain(JSON.stringify(text).slice(1, -1));
    }),
  );
});

test('a description of a defect keeps what locates it: type, code, frames, names of the program, causes', () => {
  const inner = parseError(() => void (undefined as unknown as { rows: string }).rows);
  const description = describeError(new Error('The page was lost.', { cause: inner }));
  expect(description).toMatchObject({
    type: 'Error',
    message: 'The page was lost.',
    cause: { type: 'TypeError', message: "Cannot read properties of undefined (reading 'rows')" },
  });
  expect(description.stack).toMatch(/^at .*error-description\.test\.ts/);
  expect(describeError(databaseError('23505'))).toMatchObject({ code: '23505', message: 'SQLSTATE 23505' });
});

test('a chain of causes that leads back to itself ends', () => {
  const error = new Error('around');
  error.cause = error;
  expect(JSON.stringify(describeError(error)).match(/"message"/g)).toHaveLength(6);
});

test('a thrown value that is not an error is not printed', () => {
  expect(safeMessage(SECRET)).not.toContain(SECRET);
  expect(describeError({ token: SECRET })).toEqual({ type: 'object', message: 'thrown, but no error' });
});
