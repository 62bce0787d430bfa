import { expect, it } from 'vitest';
import { releaseLease, takeLease } from '../../src/mirror/lease/leases.ts';
import { leaseEvents, trespasses, watchLeases } from '../support/lease-journal.ts';
import { testMirror } from '../support/mirror.ts';

it('the journal of leases reports a process that moves a link or takes a table of another process', async () => {
  await using bench = await testMirror();
  const { mirror, database } = bench;
  await watchLeases(database);
  await takeLease(mirror.store, 'thing', 'the daemon', 30_000);
  await mirror.pool.query(`UPDATE mirrorverse.tables SET link = 'its own' WHERE "table" = 'thing'`);
  expect(await leaseEvents(database)).toEqual({ taken: 1, link: 1 });
  expect(await trespasses(database)).toEqual([]);

  // Over connections of another name than the daemon's.
  await database.query(`UPDATE mirrorverse.tables SET link = 'foreign' WHERE "table" = 'thing'`);
  await database.query(`UPDATE mirrorverse.tables SET fence = fence + 2, lease_holder = 'a thief'`);
  expect(await trespasses(database)).toEqual([
    expect.stringMatching(/^link of thing by .*, whose lease was that of mirrorverse$/),
    expect.stringMatching(/: fence \d after \d$/),
    expect.stringMatching(/: fence \d after \d$/),
    expect.stringMatching(/^thing was taken by .* before its time$/),
  ]);
});

it('the journal of leases reports an idle run by a process that did not run the table last, or while another has the lease', async () => {
  await using bench = await testMirror();
  const { mirror, database } = bench;
  await watchLeases(database);
  const idle = `UPDATE mirrorverse.tables SET fence = fence + 1, last_success_at = clock_timestamp() WHERE "table" = 'thing'`;
  const taken = await takeLease(mirror.store, 'thing', 'the daemon', 30_000);
  if (taken === null) throw new Error('the lease is held by another');
  await releaseLease(mirror.store, taken.lease);
  await mirror.pool.query(idle);
  await mirror.pool.query(idle);
  expect(await leaseEvents(database)).toMatchObject({ taken: 1, idle: 2 });
  expect(await trespasses(database)).toEqual([]);

  await database.query(idle);
  await takeLease(mirror.store, 'thing', 'the daemon', 30_000);
  await mirror.pool.query(idle);
  expect(await trespasses(database)).toEqual([
    expect.stringMatching(/^idle run of thing by .* after one by mirrorverse$/),
    expect.stringMatching(/^thing was taken by mirrorverse before its time$/),
  ]);
});
