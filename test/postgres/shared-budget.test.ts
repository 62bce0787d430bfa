import { describe, expect, it } from 'vitest';
import { createBudget, type Budget } from '../../src/dataverse/budget/budget.ts';
import type { StateStore } from '../../src/mirror/state/store.ts';
import { Failure } from '../../src/model/failure.ts';
import { SharedBudget } from '../../src/sync/watch/shared-budget.ts';
import { eventually } from '../support/command-line.ts';
import { silent, testMirror } from '../support/mirror.ts';

const LIMITS = { requestsPer5Minutes: 6_000, concurrency: 8 };

function shared(store: StateStore, budget: Pick<Budget, 'spent' | 'keepTo'>): SharedBudget {
  return new SharedBudget({
    store,
    budget,
    identity: 'identity',
    process: 'process',
    replicas: { group: () => null, observe: () => undefined },
    limits: () => LIMITS,
    logger: silent,
    times: { window: 300_000, every: 20, validFor: 60_000 },
  });
}

/** The store, with a connection that breaks at the nth statement. */
function breaksAt(store: StateStore, nth: number): StateStore {
  let statements = 0;
  return {
    ...store,
    async statement(work, signal) {
      if (++statements === nth) throw new Failure({ code: 'database-unavailable', message: 'It is away.' });
      return store.statement(work, signal);
    },
  };
}

describe('the shared budget of a process', () => {
  it.each([1, 2])(
    'a process that lost the database at step %d of joining may send what opens the state again',
    async (step) => {
      await using test = await testMirror();
      const budget = createBudget(LIMITS);
      try {
        await expect(shared(breaksAt(test.mirror.store, step), budget).join()).rejects.toMatchObject({
          code: 'database-unavailable',
        });
        const soon = AbortSignal.timeout(5_000);
        expect(await budget.spend('metadata', soon, async () => Promise.resolve('sent'))).toBe('sent');
      } finally {
        budget.close();
      }
    },
  );

  it('renewals go on, whenever a share becomes scarce', async () => {
    await using test = await testMirror();
    const budget = createBudget(LIMITS);
    let kept = 0;
    const process = shared(test.mirror.store, {
      spent: () => budget.spent(),
      keepTo(share) {
        // Each share becomes scarce some promises later than the one before, so some do while their renewal ends.
        void after(kept++ % 21).then(share?.onScarce);
      },
    });
    try {
      await expect(process.join()).resolves.toBeUndefined();
      await eventually(() => kept > 80, 15_000);
    } finally {
      await process.close();
      budget.close();
    }
  });
});

async function after(promises: number): Promise<void> {
  for (let at = 0; at < promises; at++) await Promise.resolve();
}
