import { expect, it } from 'vitest';
import { claimNudgedPoll, type NudgeClaim } from '../../src/mirror/control/nudge-claims.ts';
import { passNudgesOn } from '../../src/mirror/control/passed-on-nudge.ts';
import { readWishes } from '../../src/mirror/control/pauses.ts';
import { actOnTables } from '../../src/mirror/control/table-commands.ts';
import type { StateStore } from '../../src/mirror/state/store.ts';
import { registerTables } from '../../src/mirror/lease/leases.ts';
import { testMirror } from '../support/mirror.ts';

const claim = async (store: StateStore, table: string, early: boolean): Promise<NudgeClaim> =>
  claimNudgedPoll(store, table, { gap: 5_000, early });

it('a nudged poll of a table is granted to one of many processes in five seconds, and the others learn when they may', async () => {
  await using test = await testMirror(30_000);
  const { store } = test.mirror;
  await registerTables(store, ['account', 'contact']);
  const claims = await Promise.all(Array.from({ length: 8 }, async () => claim(store, 'account', false)));
  const waits = claims.map((each) => (each === 'refused' ? -1 : each.wait));
  expect(waits.filter((wait) => wait === 0).length).toBe(1);
  expect(waits.every((wait) => wait >= 0 && wait <= 5_000)).toBe(true);
  expect(await claim(store, 'contact', false)).toEqual({ wait: 0 });
});

it('a check may come early once, and the next poll waits the longer for it', async () => {
  await using test = await testMirror(30_000);
  const { store } = test.mirror;
  await registerTables(store, ['account']);
  expect(await claim(store, 'account', false)).toEqual({ wait: 0 });
  expect(await claim(store, 'account', true)).toEqual({ wait: 0 });
  const next = await claim(store, 'account', false);
  expect(next === 'refused' ? 0 : next.wait).toBeGreaterThan(8_000);
  const check = await claim(store, 'account', true);
  expect(check === 'refused' ? 0 : check.wait).toBeGreaterThan(3_000);
});

it('a claim survives a clock of the database that was set back', async () => {
  await using test = await testMirror(30_000);
  const { store } = test.mirror;
  await registerTables(store, ['account']);
  await claim(store, 'account', false);
  await test.database.query(`UPDATE mirrorverse.nudges SET free_at = now() + interval '1 day'`);
  expect(await claim(store, 'account', false)).toEqual({ wait: 0 });
  const next = await claim(store, 'account', false);
  expect(next === 'refused' ? Infinity : next.wait).toBeLessThan(6_000);
});

it('a claim is refused for a paused table and for one without state', async () => {
  await using test = await testMirror(30_000);
  const { store, options } = test.mirror;
  await registerTables(store, ['account']);
  await actOnTables(store, options.schema, [{ command: 'pause', table: 'account' }], 'cli');
  expect(await claim(store, 'account', false)).toBe('refused');
  await actOnTables(store, options.schema, [{ command: 'resume', table: 'account' }], 'cli');
  expect(await claim(store, 'account', false)).toEqual({ wait: 0 });
  expect(await claim(store, 'unknown', false)).toBe('refused');
});

it('a nudge that is passed on is read once for each time, and none for a table without state', async () => {
  await using test = await testMirror(30_000);
  const { store } = test.mirror;
  await registerTables(store, ['account', 'contact']);
  const nudged = async (): Promise<(string | null)[]> =>
    (await readWishes(store)).map(({ table, nudge }) => (nudge === null ? null : table));
  expect(await nudged()).toEqual([]);
  await passNudgesOn(store, ['account', "o'dd", 'unknown']);
  const [first] = await readWishes(store);
  expect(first).toMatchObject({ table: 'account', isPaused: false, resync: null });
  await passNudgesOn(store, ['account']);
  const [second] = await readWishes(store);
  expect(second?.nudge).not.toBe(first?.nudge);
  await test.database.query(`UPDATE mirrorverse.nudges SET nudged_at = now() - interval '2 minutes'`);
  expect(await nudged()).toEqual([]);
});
