import Bottleneck from 'bottleneck';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createRequestLimiter } from '../../src/dataverse/budget/request-limiter.ts';
import { pass, TURN, useFakeClock } from './budget-clock.ts';

const HOUR = 3_600_000;

useFakeClock();

const limiters: Bottleneck[] = [];
afterEach(() => {
  // Without fake time nothing says when a limiter has disconnected.
  for (const limiter of limiters.splice(0)) void limiter.disconnect();
});

/** A limiter, and how many of its jobs have started. */
class Limited {
  readonly limiter: Bottleneck;
  starts = 0;

  constructor(limiter: Bottleneck) {
    this.limiter = limiter;
    limiters.push(limiter);
  }

  jobs(count: number): void {
    for (let job = 0; job < count; job++) {
      void this.limiter.schedule(async () => {
        this.starts++;
        return Promise.resolve();
      });
    }
  }
}

/** Three jobs at once, and one more every second. */
function mended(): Limited {
  return new Limited(createRequestLimiter({ maxConcurrent: 8, burst: 3, refill: 1 / 1_000 }));
}

/** The same by what Bottleneck documents. */
function unmended(): Limited {
  return new Limited(
    new Bottleneck({
      maxConcurrent: 8,
      reservoir: 3,
      reservoirIncreaseAmount: 1,
      reservoirIncreaseInterval: 1_000,
      reservoirIncreaseMaximum: 3,
    }),
  );
}

function setBack(milliseconds: number): void {
  vi.setSystemTime(Date.now() - milliseconds);
}

describe('the limiter of requests', () => {
  test('the limiter of requests lets the burst go at once and the others follow evenly', async () => {
    const limited = mended();
    limited.jobs(10);
    await pass(TURN);
    expect(limited.starts).toBe(3);
    await pass(5_100);
    expect(limited.starts).toBe(8);
    await pass(10_000);
    expect(limited.starts).toBe(10);
  });

  test('the limiter of requests starts and refills as before when the clock is set back by two hours', async () => {
    const limited = mended();
    limited.jobs(10);
    await pass(TURN);
    setBack(2 * HOUR);
    await pass(5_100);
    expect(limited.starts).toBe(8);
  });

  test('the limiter of requests starts its first job at once when the clock is set back before that job', async () => {
    const limited = mended();
    setBack(2 * HOUR);
    limited.jobs(1);
    await pass(TURN);
    expect(limited.starts).toBe(1);
  });

  test('the limiter of requests starts and refills as before when its settings are changed', async () => {
    const limited = mended();
    void limited.limiter.updateSettings({ maxConcurrent: 4 });
    limited.jobs(10);
    await pass(5_100);
    expect(limited.starts).toBe(8);
  });
});

/** How many events of one job's steps a listener hears. */
async function heard(limited: Limited): Promise<number> {
  let events = 0;
  limited.limiter.on('received', () => events++);
  limited.limiter.on('queued', () => events++);
  limited.jobs(1);
  await pass(TURN);
  return events;
}

test('the limiter of requests makes no event of the steps of a job, and Bottleneck by itself makes several', async () => {
  expect(await heard(mended())).toBe(0);
  expect(await heard(unmended())).toBeGreaterThan(0);
});

// Where one of these fails with another version of Bottleneck, the mend of it can go.
describe('Bottleneck by itself', () => {
  test('Bottleneck by itself starts nothing for two hours when the clock is set back by two hours', async () => {
    const limited = unmended();
    limited.jobs(1);
    await pass(100);
    setBack(2 * HOUR);
    limited.jobs(9);
    await pass(2 * HOUR - 1_000);
    expect(limited.starts).toBe(1);
    await pass(20_000);
    expect(limited.starts).toBe(10);
  });

  test('Bottleneck by itself refills nothing any more when its settings are changed', async () => {
    const limited = unmended();
    void limited.limiter.updateSettings({ maxConcurrent: 4 });
    limited.jobs(10);
    await pass(2 * HOUR);
    expect(limited.starts).toBe(3);
  });

  test('Bottleneck by itself waits for two more timers before it starts a job than the limiter of requests does', async () => {
    const plain = unmended();
    const limited = mended();
    plain.jobs(1);
    limited.jobs(1);
    await pass(TURN);
    expect([plain.starts, limited.starts]).toEqual([0, 1]);
    await pass(TURN);
    expect(plain.starts).toBe(1);
  });
});
