import { expect, test } from 'vitest';
import { DemoDigest } from '../../src/cli/commands/demo/demo-digest.ts';
import { Failure } from '../../src/model/failure.ts';
import { NO_PROGRESS } from '../../src/sync/run/run-progress.ts';

function ended(digest: DemoDigest, table: string, failure: Failure | null = null): void {
  digest.ended({
    ...NO_PROGRESS,
    table,
    failure,
    milliseconds: 1,
    deferred: false,
    changed: true,
    quarantined: 0,
  });
}

test('the line of the demo adds up what changed since the last one, and has nothing to say if nothing did', () => {
  const digest = new DemoDigest(['account', 'contact']);
  for (const table of ['account', 'contact']) ended(digest, table);
  digest.stored('account', 2, 1);
  digest.stored('contact', 5, 0);
  digest.stored('contact', 4, 0);
  expect(digest.take()).toBe('12 changes in 2 tables: contact 9, account 3; all 2 tables up to date');
  expect(digest.take()).toBeUndefined();
});

test('the line of the demo leaves out the tables that do not fit the terminal, and names those that fail', () => {
  const digest = new DemoDigest(['account', 'contact', 'opportunity']);
  for (const table of ['account', 'contact']) ended(digest, table);
  const message = 'Every query refuses a column.';
  ended(digest, 'opportunity', new Failure({ code: 'column-refused', message }));
  for (const table of ['account', 'contact', 'opportunity']) digest.stored(table, 3, 0);
  const line = digest.take(80);
  expect(line).toBe(
    '9 changes in 3 tables: account 3, …; 2 of 3 tables up to date, opportunity failed (column-refused)',
  );
});
