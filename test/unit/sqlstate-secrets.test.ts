import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { DrizzleQueryError, postgresFailure } from '../../src/mirror/connection/sqlstate.ts';

const VALUE = 'Jane Doe, 1 Secret Street';

/** An error with a row's value wherever PostgreSQL may quote one. */
function quoting(code: string, message: string): Error {
  return Object.assign(new Error(message), {
    code,
    detail: `Key (name)=(${VALUE}) already exists.`,
    hint: `Perhaps you meant ${VALUE}.`,
    where: `COPY stage_account, line 7, column name: "${VALUE}"`,
    internalQuery: `SELECT '${VALUE}'`,
    parameters: [VALUE],
  });
}

/** Everything a log or a person could see of an error, its causes and hidden members included. */
function visible(error: unknown): string {
  return inspect(error, { depth: Infinity, showHidden: true });
}

test.each([
  '22P02',
  '22003',
  '22021',
  '23505',
  '23502',
  '42703',
  '53100',
  '57014',
  '28P01',
  '3D000',
  'XX000',
])('a value of a row is never left in the failure for SQLSTATE %s', (code) => {
  const error = quoting(code, `invalid input syntax for type uuid: "${VALUE}"`);
  expect(visible(error)).toContain(VALUE);
  expect(visible(postgresFailure(error))).not.toContain('Secret');
});

test('a denied statement names the object and quotes no row', () => {
  const denied = quoting('42501', 'permission denied for table account');
  const failure = postgresFailure(Object.assign(denied, { routine: 'aclcheck_error' }));
  expect(visible(failure)).toContain('permission denied for table account');
  expect(visible(failure)).not.toContain('Secret');
});

test('a denial that a trigger raises is described without the words of the trigger', () => {
  const raised = quoting('42501', `permission denied for table ${VALUE}`);
  for (const error of [raised, Object.assign(raised, { routine: 'exec_stmt_raise' })]) {
    expect(postgresFailure(error)).toMatchObject({ code: 'grant-missing' });
    expect(visible(postgresFailure(error))).not.toContain('Secret');
  }
});

test('a parameter of a statement is never left in the failure', () => {
  const wrapped = new DrizzleQueryError('update "tables" set "link" = $1', [VALUE], quoting('23514', VALUE));
  expect(visible(wrapped)).toContain(VALUE);
  expect(visible(postgresFailure(wrapped))).not.toContain('Secret');
});

test('a parameter of a statement is never left in the failure where the connection broke', () => {
  const broken = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  expect(visible(postgresFailure(new DrizzleQueryError('select $1', [VALUE], broken)))).not.toContain(
    'Secret',
  );
});
