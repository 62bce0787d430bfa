import { expect, it } from 'vitest';
import { Failure } from '../../src/model/failure.ts';
import { recordFailure } from '../../src/mirror/state/outcomes.ts';
import { releaseLease } from '../../src/mirror/lease/leases.ts';
import { page, row, THING } from '../support/hand-made.ts';
import { testMirror, WritingTable } from '../support/mirror.ts';

const FAILURE = new Failure({
  code: 'privilege-missing',
  message: 'No.',
  remedy: 'Grant.',
});
const ERROR = `SELECT error_code, failures FROM mirrorverse.tables WHERE "table" = 'thing'`;
const NONE = [{ error_code: null, failures: 0 }];
const ONE = [{ error_code: 'privilege-missing', failures: 1 }];

it('a failure is not recorded over the success of a process that has taken the table over since', async () => {
  await using test = await testMirror();
  const { store } = test.mirror;
  const first = await WritingTable.open(test.mirror, THING, { holder: 'failing' });
  const run = { fence: first.lease.fence, milliseconds: 60_000 };
  await releaseLease(store, first.lease);
  await recordFailure(store, 'thing', FAILURE, run);
  expect(await test.database.query(ERROR)).toEqual(ONE);
  const second = await WritingTable.open(test.mirror, THING, { holder: 'successor' });
  await second.write(page([row(1, 1)], 'delta'), true);
  expect(await test.database.query(ERROR)).toEqual(NONE);
  await recordFailure(store, 'thing', FAILURE, run);
  expect(await test.database.query(ERROR)).toEqual(NONE);
});

it('a failure of a run that never had the lease is recorded unless the table came up to date meanwhile', async () => {
  await using test = await testMirror();
  const { store } = test.mirror;
  const table = await WritingTable.open(test.mirror, THING);
  await table.write(page([row(1, 1)], 'delta'), true);
  await recordFailure(store, 'thing', FAILURE, { fence: undefined, milliseconds: 60_000 });
  expect(await test.database.query(ERROR)).toEqual(NONE);
  await recordFailure(store, 'thing', FAILURE, { fence: undefined, milliseconds: 0 });
  expect(await test.database.query(ERROR)).toEqual(ONE);
});
