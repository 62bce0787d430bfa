import { expect, test } from 'vitest';
import { pino } from 'pino';
import { Failure, failureFields } from '../../src/model/failure.ts';

test('a log line about a failure of a table names the table once', () => {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(line) }).child({ table: 'account' });
  const details = { table: 'account', link: 'delta' };
  const failure = new Failure({
    code: 'link-expired',
    message: 'It has expired.',
    remedy: 'None is needed.',
    details,
  });
  logger.warn(failureFields(failure), failure.message);
  expect(lines[0]?.match(/"table"/g)).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ ...details, code: 'link-expired' });
});
