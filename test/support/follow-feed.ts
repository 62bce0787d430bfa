import type { PageSource } from '../../src/dataverse/feed/change-feed.ts';
import { RequestCounts } from '../../src/dataverse/http/request-counts.ts';
import type { PageWriter } from '../../src/mirror/page/page-writer.ts';
import { isLoading, type Checkpoint } from '../../src/model/checkpoint.ts';
import { LoadTracker } from '../../src/sync/load/load-tracker.ts';
import { Paging } from '../../src/sync/run/paging.ts';
import { NO_PROGRESS, type RunProgress } from '../../src/sync/run/run-progress.ts';
import { newRun, type RunEvent, type RunState, type Step } from '../../src/sync/run/run-state.ts';
import { next } from '../../src/sync/run/steps.ts';
import { never } from './mirror.ts';

/** Follows a hand-made feed from a checkpoint until the table is up to date, by the steps of a run. */
export async function followFeed(source: PageSource, writer: PageWriter, start: Checkpoint): Promise<void> {
  const paging = new Paging({
    table: 'thing',
    source,
    writer,
    requestCounts: new RequestCounts(),
    mayLoad: () => true,
    load: new LoadTracker({ table: 'thing', expected: undefined, watch: undefined }),
  });
  let progress: RunProgress = { ...NO_PROGRESS, phase: start.phase };
  let state: RunState = {
    ...newRun('changes', false),
    checkpoint: start,
    upcoming: { link: start.link, loads: isLoading(start) },
    boundIsOld: start.link?.kind === 'next',
  };
  let step: Step = { do: 'fetch', fetch: state.upcoming };
  try {
    while (step.do !== 'end') {
      let event: RunEvent;
      if (step.do === 'fetch') {
        const page = await paging.receive(step.fetch, never);
        event = { is: 'fetched', link: page?.link ?? null, highest: null };
      } else if (step.do === 'store') {
        const stored = await paging.store(step.page, step.ahead, progress, never);
        ({ progress } = stored);
        const { refusedSweep } = stored.result;
        event = { is: 'stored', refusedSweep, paused: null, resync: null };
      } else throw new Error(`not a step of this test: ${step.do}`);
      ({ state, step } = next(state, event));
    }
  } finally {
    paging.close();
  }
}
