import { describe, expect, it } from 'vitest';
import type { ChangeFeed } from '../../src/dataverse/feed/change-feed.ts';
import { isIdle, pollIdle, restingTable } from '../../src/sync/run/idle-poll.ts';
import { polledPage } from '../../src/sync/run/polled-page.ts';
import type { Checkpoint } from '../../src/model/checkpoint.ts';
import type { Link, Page } from '../../src/model/page.ts';
import { page, row, THING, tombstone } from '../support/hand-made.ts';
import { never } from '../support/mirror.ts';

const PATH = `https://org/api/data/v9.2/${THING.entitySet}`;
const delta = (token: string): Link => ({ kind: 'delta', url: `${PATH}?$deltatoken=${token}` });
const FOLLOWED = delta('5!1');
const DELTA: Checkpoint = {
  phase: 'delta',
  catchingUp: false,
  link: FOLLOWED,
  selection: 'x',
  rewound: false,
};

function answer(link: Link = delta('5!2'), rows: Parameters<typeof page>[0] = []): Page {
  return { ...page(rows, 'delta'), link };
}

describe('a table rests', () => {
  it('where its feed stands at a delta link', () => {
    expect(restingTable(THING, DELTA)).toEqual({ table: THING, link: FOLLOWED, selection: 'x' });
  });

  it.each<Partial<Checkpoint>>([
    { phase: 'new', link: null },
    { phase: 'rebaseline', catchingUp: true },
    { link: { kind: 'next', url: `${PATH}?$skiptoken=1` } },
    { link: null },
    { link: { kind: 'delta', url: 'https://org/api/data/v9.2/others?$deltatoken=5!1' } },
    { selection: null },
  ])('not with %o', (other) => {
    expect(restingTable(THING, { ...DELTA, ...other })).toBeUndefined();
  });
});

describe('a page', () => {
  it.each([delta('5!2'), delta('6!2'), delta('unreadable'), FOLLOWED])('is idle with %o alone', (link) => {
    expect(isIdle(THING.entitySet, FOLLOWED, answer(link))).toBe(true);
  });

  it.each<[string, Page]>([
    ['a row', answer(delta('6!2'), [row(1, 1)])],
    ['a tombstone', answer(delta('6!2'), [tombstone(1)])],
    ['a next link', answer({ kind: 'next', url: `${PATH}?$skiptoken=1` })],
    ['a link that stands further back', answer(delta('4!2'))],
    [
      "another table's link",
      answer({ kind: 'delta', url: 'https://org/api/data/v9.2/others?$deltatoken=6' }),
    ],
    ['a link without a token', answer({ kind: 'delta', url: PATH })],
  ])('is not idle with %s', (_, other) => {
    expect(isIdle(THING.entitySet, FOLLOWED, other)).toBe(false);
  });
});

/** A feed that gives these answers, one after the other, and counts how often it was asked. */
function feedOf(...answers: readonly (Page | Error)[]): ChangeFeed & { readonly asked: () => number } {
  let asked = 0;
  return {
    asked: () => asked,
    begin: async () => Promise.reject(new Error('not asked for')),
    readRow: async () => null,
    readRows: async () => Promise.reject(new Error('not asked for')),
    async follow() {
      const next = answers[asked++];
      if (next instanceof Error || next === undefined) throw next ?? new Error('asked too often');
      return next;
    },
  };
}

describe('a polled page', () => {
  it('is given out once, to whoever follows the same link for the same table', async () => {
    const polled = answer();
    const after = answer(delta('7!1'));
    const feed = feedOf(after, after, after);
    const ahead = polledPage(THING, FOLLOWED, { page: polled }).ahead(feed, THING);
    expect(await ahead.follow(delta('6!1'), 'delta', never)).toBe(after);
    expect(await ahead.follow(FOLLOWED, 'delta', never)).toBe(polled);
    expect(await ahead.follow(FOLLOWED, 'delta', never)).toBe(after);
    expect(feed.asked()).toBe(2);
  });

  it('is of no use to a table that was described anew', async () => {
    const after = answer();
    const ahead = polledPage(THING, FOLLOWED, { page: answer() }).ahead(feedOf(after), { ...THING });
    expect(await ahead.follow(FOLLOWED, 'delta', never)).toBe(after);
  });

  it('that never came fails once, the way it failed', async () => {
    const after = answer();
    const ahead = polledPage(THING, FOLLOWED, { error: new Error('expired') }).ahead(feedOf(after), THING);
    await expect(ahead.follow(FOLLOWED, 'delta', never)).rejects.toThrow('expired');
    expect(await ahead.follow(FOLLOWED, 'delta', never)).toBe(after);
  });

  it('gives its memory back once, unless somebody has taken it', async () => {
    let released = 0;
    const held = { ...answer(), release: () => void released++ };
    const unused = polledPage(THING, FOLLOWED, { page: held });
    unused.release();
    unused.release();
    expect(released).toBe(1);
    const used = polledPage(THING, FOLLOWED, { page: held });
    await used.ahead(feedOf(), THING).follow(FOLLOWED, 'delta', never);
    used.release();
    expect(released).toBe(1);
  });
});

describe('a poll', () => {
  const RESTING = { table: THING, link: FOLLOWED, selection: 'x' };

  /** What comes of a poll with this answer, where storing it goes as told. */
  async function poll(answered: Page | Error, stored: boolean | Error) {
    const recorded: number[] = [];
    let released = 0;
    const came = answered instanceof Error ? answered : { ...answered, release: () => void released++ };
    const storeIdleRun = async (): Promise<boolean> => {
      if (stored instanceof Error) throw stored;
      return stored;
    };
    const requests = { sent: () => 2, recorded: (sent: number) => void recorded.push(sent) };
    const parts = { feed: feedOf(came), mirror: { storeIdleRun }, requests };
    const result = await pollIdle(parts, RESTING, 7n, never).catch((error: unknown) => error);
    return { result, recorded, released: () => released };
  }

  it('that finds nothing leaves the table resting at its new link, the requests on record', async () => {
    const { result, recorded, released } = await poll(answer(delta('5!9')), true);
    expect(result).toEqual({ rests: true, link: delta('5!9'), requests: 2 });
    expect([recorded, released()]).toEqual([[2], 1]);
  });

  it.each<[string, Page | Error, boolean]>([
    ['finds rows', answer(delta('6!1'), [row(1, 1)]), true],
    ['finds nothing of a table that somebody has touched', answer(), false],
    ['fails', new Error('expired'), true],
  ])('that %s leaves its page and its requests to a run under the lease', async (_, answered, stored) => {
    const { result, recorded, released } = await poll(answered, stored);
    expect(result).toMatchObject({ rests: false });
    expect([recorded, released()]).toEqual([[], 0]);
  });

  it('whose outcome PostgreSQL does not tell gives the memory of its page back', async () => {
    const { result, recorded, released } = await poll(answer(), new Error('connection lost'));
    expect(result).toEqual(new Error('connection lost'));
    expect([recorded, released()]).toEqual([[], 1]);
  });
});
