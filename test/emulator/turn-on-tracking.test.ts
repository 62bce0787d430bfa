import { expect, it } from 'vitest';
import { turnOnTracking } from '../../src/dataverse/metadata/turn-on-tracking.ts';
import { never } from '../support/mirror.ts';
import { SyncBench } from '../support/sync.ts';

it('track reads the definition past the caches and puts it back with nothing changed but the flag', async () => {
  await using bench = await SyncBench.open();
  const dataverse = bench.dataverse();
  expect(await turnOnTracking(dataverse.client, 'new_untracked', never)).toBe(true);
  expect(await turnOnTracking(dataverse.client, 'new_untracked', never)).toBe(false);
  await dataverse.close();
  const requests = bench.emulator.requests
    .find({})
    .map(({ method, headers }) => [
      method,
      headers['consistency'] ?? null,
      headers['mscrm.mergelabels'] ?? null,
    ]);
  expect(requests).toEqual([
    ['GET', 'Strong', null],
    ['PUT', 'Strong', 'true'],
    ['POST', null, null],
    ['GET', 'Strong', null],
    ['GET', 'Strong', null],
  ]);
});

it('track does not wait without end for a change that does not come into force', async () => {
  await using bench = await SyncBench.open();
  const dataverse = bench.dataverse();
  const fault = bench.emulator.faults.add({
    match: { path: '$select=ChangeTrackingEnabled', method: 'GET' },
    do: {
      transformText: (text) => text.replace('"ChangeTrackingEnabled":true', '"ChangeTrackingEnabled":false'),
    },
  });
  const waiting = turnOnTracking(dataverse.client, 'new_untracked', never, [1, 1]);
  await expect(waiting).rejects.toMatchObject({ code: 'tracking-not-on-yet', reaction: 'retry' });
  await dataverse.close();
  expect(fault.hits).toBe(3);
});

it('a definition whose flag was never set is one whose tracking is off', async () => {
  await using bench = await SyncBench.open();
  const dataverse = bench.dataverse();
  bench.emulator.faults.add({
    match: { path: "(LogicalName='new_untracked')", method: 'GET' },
    do: {
      transformText: (text) => text.replace('"ChangeTrackingEnabled":false', '"ChangeTrackingEnabled":null'),
    },
  });
  expect(await turnOnTracking(dataverse.client, 'new_untracked', never)).toBe(true);
  await dataverse.close();
});
