import { describe, expect, it } from 'vitest';
import type { PageSource } from '../../src/dataverse/feed/change-feed.ts';
import { isIdle, restingTable } from '../../src/sync/run/idle-poll.ts';
import type { Checkpoint } from '../../src/model/checkpoint.ts';
import type { Link, Page } from '../../src/model/page.ts';
import { page, row, THING, tombstone } from '../support/hand-made.ts';

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

const source: PageSource = {
  begin: async () => Promise.reject(new Error('not asked for')),
  follow: async () => Promise.reject(new Error('not asked for')),
  readRow: async () => null,
  readRows: async () => Promise.reject(new Error('not asked for')),
};
const RESTED = { table: THING, source };

function answer(link: Link = delta('5!2'), rows: Parameters<typeof page>[0] = []): Page {
  return { ...page(rows, 'delta'), link };
}

describe('a table at rest', () => {
  it('a table is at rest where its feed stands at a delta link', () => {
    expect(restingTable(RESTED, DELTA)).toEqual({ ...RESTED, link: FOLLOWED, selection: 'x' });
  });

  it.each<Partial<Checkpoint>>([
    { phase: 'new', link: null },
    { phase: 'rebaseline', catchingUp: true },
    { link: { kind: 'next', url: `${PATH}?$skiptoken=1` } },
    { link: null },
    { link: { kind: 'delta', url: 'https://org/api/data/v9.2/others?$deltatoken=5!1' } },
    { selection: null },
  ])('a table is not at rest with %o', (other) => {
    expect(restingTable(RESTED, { ...DELTA, ...other })).toBeUndefined();
  });
});

describe('an idle page', () => {
  it.each([delta('5!2'), delta('6!2'), delta('unreadable'), FOLLOWED])(
    'a page is idle with %o alone',
    (link) => {
      expect(isIdle(THING, FOLLOWED, answer(link))).toBe(true);
    },
  );

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
  ])('a page is not idle with %s', (_, other) => {
    expect(isIdle(THING, FOLLOWED, other)).toBe(false);
  });
});
