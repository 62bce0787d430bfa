import { expect, it } from 'vitest';
import { addRequests, readSpentRequests } from '../../src/mirror/state/spent-requests.ts';
import { identityDigest, recordRequests } from '../../src/sync/watch/request-record.ts';
import { silent, testMirror } from '../support/mirror.ts';

const USER = 'b4a2c1de-0000-4000-8000-000000000001';

it('requests of one identity add up in five minutes and in a day, and leave the state after 25 hours', async () => {
  await using test = await testMirror();
  const { store } = test.mirror;
  const shift = async (age: string) =>
    test.database.query(`UPDATE mirrorverse.requests SET minute = minute - interval '${age}'`);
  await addRequests(store, 'one', 4);
  await shift('25 hours 5 minutes');
  await addRequests(store, 'other', 16);
  await shift('23 hours');
  await addRequests(store, 'one', 32);
  await addRequests(store, 'one', 64);
  const old = `SELECT FROM mirrorverse.requests WHERE minute < now() - interval '25 hours'`;
  expect(await test.database.query(old)).toEqual([]);
  expect(await readSpentRequests(store)).toEqual({
    throttledUntil: null,
    requestsIn5Minutes: 96,
    requestsIn24Hours: 112,
  });
});

it('requests in five minutes are those of the busiest identity, because each has a limit of its own', async () => {
  await using test = await testMirror();
  const { store } = test.mirror;
  await addRequests(store, 'one', 5);
  await addRequests(store, 'other', 7);
  expect(await readSpentRequests(store)).toMatchObject({ requestsIn5Minutes: 7, requestsIn24Hours: 12 });
});

it('the record of requests writes at its end what was sent, nothing if nothing was sent, and does not fail with the database', async () => {
  await using test = await testMirror();
  const { store } = test.mirror;
  const gauges = { requests: 0 };
  const identity = identityDigest('org', USER);
  const parts = { store, identity, gauges, logger: silent };
  const idle = recordRequests(parts);
  const busy = recordRequests(parts);
  await idle.close();
  expect(await test.database.query('SELECT * FROM mirrorverse.requests')).toEqual([]);
  gauges.requests = 9;
  await busy.close();
  expect(await test.database.query('SELECT identity, requests::int FROM mirrorverse.requests')).toEqual([
    { identity, requests: 9 },
  ]);
  expect(identity).not.toContain(USER.slice(0, 8));
  await test.database.query('DROP TABLE mirrorverse.requests');
  gauges.requests = 10;
  await recordRequests(parts).close();
});
