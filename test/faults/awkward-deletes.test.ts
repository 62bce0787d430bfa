import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeFeed } from '../../src/dataverse/feed/change-feed.ts';
import { Failure } from '../../src/model/failure.ts';
import type { Page } from '../../src/model/page.ts';
import { followFeed } from '../support/follow-feed.ts';
import { id, page, row, tombstone, THING } from '../support/hand-made.ts';
import { testMirror, WritingTable, type TestMirror } from '../support/mirror.ts';
import { differences } from '../support/oracle.ts';
import { smallTable } from '../support/small-table.ts';
import { failures, SyncBench } from '../support/sync.ts';

const OLD = 5;
const NOW = 9;

/** One row: what the mirror has of it, whether it lives, and how often a delta tells of either. */
interface Story {
  readonly mirrored: 'absent' | 'old' | 'current';
  readonly lives: boolean;
  readonly upserts: number;
  readonly tombstones: number;
}

/** A delta as it comes: its entries in their order, cut into pages, and the pages after which all dies. */
interface Delta {
  readonly stories: readonly Story[];
  readonly pages: readonly (readonly string[])[];
  readonly deaths: ReadonlySet<number>;
}

const living = fc.record<Story>({
  mirrored: fc.constantFrom('absent', 'old', 'current'),
  lives: fc.constant(true),
  upserts: fc.integer({ min: 1, max: 2 }),
  // Deleted and restored between two polls.
  tombstones: fc.integer({ min: 0, max: 2 }),
});

const gone = fc.record<Story>({
  mirrored: fc.constantFrom('absent', 'old', 'current'),
  lives: fc.constant(false),
  // It came on a page before it was deleted.
  upserts: fc.integer({ min: 0, max: 2 }),
  tombstones: fc.integer({ min: 1, max: 2 }),
});

const delta: fc.Arbitrary<Delta> = fc
  .array(fc.oneof(living, gone), { minLength: 1, maxLength: 5 })
  .chain((stories) => {
    const keys = stories.flatMap(({ upserts, tombstones }, key) =>
      Array.from({ length: upserts + tombstones }, () => key),
    );
    return fc.record({
      stories: fc.constant(stories),
      order: fc.shuffledSubarray(
        keys.map((_, at) => at),
        { minLength: keys.length },
      ),
      // Which of a living row's entries come first: nobody documents it.
      tombstonesFirst: fc.array(fc.boolean(), { minLength: stories.length, maxLength: stories.length }),
      cuts: fc.array(fc.boolean(), { minLength: keys.length, maxLength: keys.length }),
      deaths: fc.array(fc.nat({ max: 6 }), { maxLength: 2 }),
    });
  })
  .map(({ stories, order, tombstonesFirst, cuts, deaths }) => {
    const entries = new Map(
      stories.map((story, key) => [key, entriesOf(story, key, tombstonesFirst[key] ?? false)]),
    );
    const keys = stories.flatMap(({ upserts, tombstones }, key) =>
      Array.from({ length: upserts + tombstones }, () => key),
    );
    const pages: string[][] = [[]];
    for (const [at, place] of order.entries()) {
      pages.at(-1)?.push(entries.get(keys[place] ?? 0)?.shift() ?? '');
      if (cuts[at] === true) pages.push([]);
    }
    return { stories, pages, deaths: new Set(deaths) };
  });

/** The entries of a row in the order they come; those of a dead one end with its tombstone. */
function entriesOf(story: Story, key: number, tombstonesFirst: boolean): string[] {
  const upserts = Array.from({ length: story.upserts }, () => row(key, NOW));
  const tombstones = Array.from({ length: story.tombstones }, () => tombstone(key));
  return story.lives && tombstonesFirst ? [...tombstones, ...upserts] : [...upserts, ...tombstones];
}

/** Serves a delta page by page; the request after a page that is a death fails, once for each. */
function feedOf({ stories, pages, deaths }: Delta): ChangeFeed {
  const due = new Set(deaths);
  return {
    begin: async () => Promise.reject(new Error('no load is expected')),
    async follow(link): Promise<Page> {
      const at = Number(/\d+$/.exec(link.url)?.[0]);
      if (due.delete(at - 1)) throw died();
      const isLast = at >= pages.length - 1;
      const entries = pages[at] ?? [];
      const kind = isLast ? 'delta' : 'next';
      return { ...page(entries, kind), link: { kind, url: `https://org/${kind}/${at + 1}` } };
    },
    readRow: async ({ key }) => {
      const at = stories.findIndex((story, number) => story.lives && id(number) === key);
      return at === -1 ? null : page([row(at, NOW)], 'delta');
    },
    async readRows(ids) {
      const lives = new Set(stories.flatMap((story, at) => (story.lives ? [id(at)] : [])));
      const found = ids.map(({ key }) => key).filter((key) => lives.has(key));
      const rows = page(
        found.map((key) => row(Number.parseInt(key.slice(-12), 16), NOW)),
        'delta',
      );
      return { rows, rowOf: Int32Array.from(ids, ({ key }) => found.indexOf(key)) };
    },
  };
}

/** The code of a failure that stands for a death: nothing that a pass does has this code. */
const DEATH = 'tracking-not-on-yet';

function died(): Failure {
  return new Failure({ code: DEATH, message: 'The process died.', remedy: 'None.' });
}

/** Follows a delta with as many processes as it takes. */
async function follow(test: TestMirror, softDeletes: boolean, told: Delta): Promise<void> {
  const feed = feedOf(told);
  for (let process = 0; process < 4; process++) {
    const table = await WritingTable.open(test.mirror, THING, { softDeletes, phase: 'stored' });
    try {
      const { writer, checkpoint: start } = table;
      await followFeed(feed, writer, start);
      return;
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== DEATH) throw error;
    } finally {
      await table.writer.close();
    }
  }
  throw new Error('more deaths than processes');
}

describe.each([false, true])('a delta with awkward tombstones, with soft deletes: %s', (softDeletes) => {
  let test: TestMirror;
  beforeAll(async () => {
    test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING, { softDeletes });
    await table.writer.close();
  });
  afterAll(async () => test[Symbol.asyncDispose]());

  /** What the mirror has before the delta, and where its feed stands. */
  async function set(stories: readonly Story[]): Promise<void> {
    const { database } = test;
    await database.query('TRUNCATE dataverse.thing');
    for (const [key, { mirrored }] of stories.entries()) {
      if (mirrored === 'absent') continue;
      await database.query(
        'INSERT INTO dataverse.thing (thingid, versionnumber, _mirrored_at) VALUES ($1, $2, now())',
        [id(key), mirrored === 'old' ? OLD : NOW],
      );
    }
    await database.query(
      `UPDATE mirrorverse.tables SET phase = 'delta', catching_up = false, link = 'https://org/delta/0',
        link_kind = 'delta', link_issued_at = clock_timestamp(), selection = 'whatever', lease_holder = NULL`,
    );
  }

  it('any delta leaves what the source has, whatever its order, its pages, and the processes that follow it', async () => {
    await fc.assert(
      fc.asyncProperty(delta, async (told) => {
        await set(told.stories);
        await follow(test, softDeletes, told);
        const rows = await test.database.query<{ key: string; version: string }>(
          `SELECT thingid::text AS key, versionnumber::text AS version FROM dataverse.thing
            ${softDeletes ? 'WHERE _deleted_at IS NULL' : ''} ORDER BY 1`,
        );
        const alive = told.stories.flatMap(({ lives }, key) => (lives ? [id(key)] : []));
        expect(rows).toEqual(alive.map((key) => ({ key, version: String(NOW) })));
      }),
      { numRuns: 30 },
    );
  });

  it('a row that came unchanged to one process, and whose tombstone came to the next process, is kept while it lives', async () => {
    const stories: Story[] = [{ mirrored: 'current', lives: true, upserts: 1, tombstones: 1 }];
    await set(stories);
    const pages = [[row(0, NOW)], [tombstone(0)]];
    await follow(test, softDeletes, { stories, pages, deaths: new Set([0]) });
    const live = softDeletes ? 'WHERE _deleted_at IS NULL' : '';
    expect(await test.database.query(`SELECT FROM dataverse.thing ${live}`)).toHaveLength(1);
  });

  it('rows that came after the clock of the database had been set back are kept', async () => {
    const story = { lives: true, upserts: 1, tombstones: 1 };
    const stories: Story[] = [
      { ...story, mirrored: 'old' },
      { ...story, mirrored: 'current' },
      { ...story, mirrored: 'absent' },
    ];
    await set(stories);
    await test.database.query(
      `UPDATE dataverse.thing SET _mirrored_at = now() + interval '59 minutes';
       UPDATE mirrorverse.tables SET link_issued_at = now() + interval '1 hour'`,
    );
    const pages = [[row(0, NOW), row(1, NOW)], [row(2, NOW)], [tombstone(0), tombstone(1), tombstone(2)]];
    await follow(test, softDeletes, { stories, pages, deaths: new Set([1]) });
    const live = softDeletes ? 'WHERE _deleted_at IS NULL' : '';
    expect(await test.database.query(`SELECT FROM dataverse.thing ${live}`)).toHaveLength(3);
  });
});

/** Entries of a page in another order, some of them twice. */
function disordered(seed: number): (json: unknown) => unknown {
  return (json) => {
    const answer = json as { value?: unknown[] };
    if (answer.value === undefined) return json;
    const twice = answer.value.filter((_, at) => (at + seed) % 3 === 0);
    const value = [...answer.value, ...twice].map((entry, at) => ({ entry, rank: (at * 7 + seed) % 11 }));
    return { ...answer, value: value.toSorted((a, b) => a.rank - b.rank).map(({ entry }) => entry) };
  };
}

describe('the environment', () => {
  it('the environment may send deletions and restorations in any order, and rows twice', async () => {
    await using bench = await SyncBench.open();
    const { store, settings, faults } = bench.emulator;
    // Of plain values only: what is put in disorder passes through JavaScript numbers.
    store.addTable(smallTable('new_Car'));
    const ids = store.seed('new_car', 40);
    await bench.sync(['new_car'], { pageSize: 8 });
    for (const [round, restoredRows] of (['with-tombstone', 'without-tombstone'] as const).entries()) {
      settings.restoredRows = restoredRows;
      const of = (place: number): string => ids[round * 20 + place] as string;
      // Unknown to the mirror: it came and went between two polls.
      store.remove('new_car', store.insert('new_car', { new_name: 'never seen' }));
      for (const place of [0, 1, 2]) store.remove('new_car', of(place));
      for (const place of [3, 4, 5]) {
        store.remove('new_car', of(place));
        store.restore('new_car', of(place));
      }
      store.update('new_car', of(6), { new_name: 'changed, then gone' });
      store.remove('new_car', of(6));
      for (const place of [7, 8, 9, 10]) store.update('new_car', of(place), { new_name: 'changed' });
      const fault = faults.add({ match: { kind: ['delta', 'next'] }, do: { transform: disordered(round) } });
      expect(failures(await bench.sync(['new_car'], { pageSize: 8 }))).toEqual({});
      expect(fault.hits).toBeGreaterThan(1);
      fault.remove();
      expect(await differences(store, bench.database, 'new_car')).toEqual([]);
    }
  });
});

it('a row whose read a proxy answers with 404 is not taken for gone, nor its link for expired', async () => {
  await using bench = await SyncBench.open();
  const { store, faults, requests } = bench.emulator;
  const [restored] = store.seed('account', 5);
  await bench.sync(['account']);
  store.remove('account', restored as string);
  store.restore('account', restored as string);
  for (const kind of ['row', 'delta'] as const) {
    const fault = faults.add({ match: { kind }, do: { status: 404, html: true } });
    expect(failures(await bench.sync(['account']))).toEqual({ account: 'unexpected-answer' });
    expect(fault.hits).toBeGreaterThan(0);
    fault.remove();
  }
  expect(failures(await bench.sync(['account']))).toEqual({});
  expect(await differences(store, bench.database, 'account')).toEqual([]);
  expect(requests.count({ kind: 'baseline' })).toBe(1);
});
