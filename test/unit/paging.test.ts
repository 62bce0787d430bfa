import { expect, test } from 'vitest';
import type { PageSource } from '../../src/dataverse/feed/change-feed.ts';
import { RequestCounts } from '../../src/dataverse/http/request-counts.ts';
import type { PageStep } from '../../src/mirror/page/page-step.ts';
import type { PageWriter } from '../../src/mirror/page/page-writer.ts';
import { advance, type Checkpoint } from '../../src/model/checkpoint.ts';
import type { Link, PlainPage } from '../../src/model/page.ts';
import { LoadTracker } from '../../src/sync/load/load-tracker.ts';
import { Paging, prefetch } from '../../src/sync/run/paging.ts';
import { NO_PROGRESS } from '../../src/sync/run/run-progress.ts';
import { page, row } from '../support/hand-made.ts';
import { never } from '../support/mirror.ts';

const delta = (token: number): Link => ({ kind: 'delta', url: `https://org/things?$deltatoken=${token}` });
const next = (token: number): Link => ({ kind: 'next', url: `https://org/things?$skiptoken=${token}` });
const CHECKPOINT: Checkpoint = {
  phase: 'delta',
  catchingUp: false,
  link: delta(0),
  selection: 'a',
  rewound: false,
};

/** Counts no load. */
const load = new LoadTracker({ table: 'thing', expected: undefined, watch: undefined });

/** A source that gives these answers in turn, which pages were asked for, and whose memory came back. */
function sourceOf(...answers: readonly (PlainPage | Error)[]) {
  const asked: (string | null)[] = [];
  const released: PlainPage[] = [];
  const answer = async (url: string | null): Promise<PlainPage> => {
    const came = answers[asked.length];
    asked.push(url);
    if (came === undefined || came instanceof Error) throw came ?? new Error('asked too often');
    return { ...came, release: () => void released.push(came) };
  };
  const source: PageSource = {
    begin: async () => answer(null),
    follow: async ({ url }) => answer(url),
    readRow: async () => null,
    readRows: async () => Promise.reject(new Error('not asked for')),
  };
  return { source, asked, released };
}

/** A writer that stores everything, or fails; the steps that it was given. */
function writerOf(failure?: Error) {
  const steps: PageStep[] = [];
  const write = async (stored: PlainPage, step: PageStep) => {
    if (failure !== undefined) throw failure;
    steps.push(step);
    return { written: stored.rows, deleted: 0, quarantined: 0, refusedSweep: null };
  };
  return { writer: { write } as unknown as PageWriter, steps };
}

const answer = (link: Link | null): PlainPage => ({ ...page([row(1, 1)], 'delta'), link });
const follow = (link: Link) => ({ link, loads: false });

function pagingOf(source: PageSource, writer: PageWriter, mayLoad = true): Paging {
  const requestCounts = new RequestCounts();
  return new Paging({ table: 'thing', source, writer, requestCounts, mayLoad: () => mayLoad, load });
}

function stepTo(link: Link): PageStep {
  return { from: CHECKPOINT, advance: advance(CHECKPOINT, link), begins: false, finished: false };
}

test('the page after is asked for while a page is stored, and asked for once', async () => {
  const { source, asked, released } = sourceOf(answer(next(1)), answer(delta(2)));
  const paging = pagingOf(source, writerOf().writer);
  await paging.receive(follow(delta(0)), never);
  const { progress } = await paging.store(stepTo(next(1)), follow(next(1)), NO_PROGRESS, never);
  expect(asked).toEqual([delta(0).url, next(1).url]);
  expect(progress).toMatchObject({ pages: 1, rowsRead: 1, rowsWritten: 1 });
  expect((await paging.receive(follow(next(1)), never))?.link).toEqual(delta(2));
  expect(asked).toHaveLength(2);
  expect(released).toHaveLength(1);
  paging.close();
  expect(released).toHaveLength(2);
});

test('a page that an idle poll fetched is taken by the link that it was fetched by, and by no other link', async () => {
  const { source, asked, released } = sourceOf(answer(delta(1)), answer(delta(2)));
  const polled = prefetch(delta(0).url, async (signal) => source.follow(delta(0), 'delta', signal), never);
  const parts = { table: 'thing', source, writer: writerOf().writer, requestCounts: new RequestCounts() };
  const paging = new Paging({ ...parts, mayLoad: () => true, load }, polled);
  expect((await paging.receive(follow(delta(7)), never))?.link).toEqual(delta(2));
  expect(asked).toEqual([delta(0).url, delta(7).url]);
  await expect.poll(() => released).toHaveLength(1);
});

test('a poll that failed fails once, and the next fetch asks again', async () => {
  const { source } = sourceOf(new Error('expired'), answer(delta(1)));
  const polled = prefetch(delta(0).url, async (signal) => source.follow(delta(0), 'delta', signal), never);
  const parts = { table: 'thing', source, writer: writerOf().writer, requestCounts: new RequestCounts() };
  const paging = new Paging({ ...parts, mayLoad: () => true, load }, polled);
  await expect(paging.receive(follow(delta(0)), never)).rejects.toThrow('expired');
  expect((await paging.receive(follow(delta(0)), never))?.link).toEqual(delta(1));
});

test('a page that cannot be stored gives its memory back, and the page that was fetched ahead too', async () => {
  const { source, released } = sourceOf(answer(next(1)), answer(delta(2)));
  const paging = pagingOf(source, writerOf(new Error('no room')).writer);
  await paging.receive(follow(delta(0)), never);
  await expect(paging.store(stepTo(next(1)), follow(next(1)), NO_PROGRESS, never)).rejects.toThrow('no room');
  paging.close();
  await expect.poll(() => released).toHaveLength(2);
});

test('a page of a load is not asked for without a place among the loads', async () => {
  const { source, asked } = sourceOf();
  expect(await pagingOf(source, writerOf().writer, false).receive({ link: null, loads: true }, never)).toBe(
    undefined,
  );
  expect(asked).toEqual([]);
});

test('a next link that comes a second time in one chain ends the run before its page is stored', async () => {
  const { source } = sourceOf(answer(next(1)), answer(next(2)), answer(next(1)));
  const { writer, steps } = writerOf();
  const paging = pagingOf(source, writer);
  const links = [delta(0), next(1), next(2)];
  const stored = links.map((link) => async () => {
    const came = await paging.receive(follow(link), never);
    await paging.store(stepTo(came?.link ?? delta(9)), undefined, NO_PROGRESS, never);
  });
  await stored[0]?.();
  await stored[1]?.();
  await expect(stored[2]?.()).rejects.toMatchObject({ code: 'link-loop' });
  expect(steps).toHaveLength(2);
});

test('a delta that is read once more may bring the same next links again', async () => {
  const { source } = sourceOf(answer(next(1)), answer(delta(2)), answer(next(1)));
  const { writer, steps } = writerOf();
  const paging = pagingOf(source, writer);
  for (const link of [delta(0), next(1), delta(0)]) {
    const came = await paging.receive(follow(link), never);
    await paging.store(stepTo(came?.link ?? delta(9)), undefined, NO_PROGRESS, never);
  }
  expect(steps).toHaveLength(3);
});
