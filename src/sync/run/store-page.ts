import type { PageResult, PageStep, PageWriter } from '../../mirror/page/page-writer.ts';
import type { PlainPage } from '../../model/page.ts';
import { countPage, hasFoundChanges, type PassProgress } from './pass-progress.ts';
import type { RequestMeter } from './request-meter.ts';

export interface StoreParts {
  readonly writer: PageWriter;
  readonly progress: PassProgress;
  /** Of the table's requests; without it none go on record. */
  readonly requests?: RequestMeter;
}

/**
 * Stores a page and counts it, along with the requests since the one before.
 *
 * @param settled the page as it is to be stored, where its tombstones were looked into.
 * @throws Failure as the writer does; what was counted then goes on record with a later page. Where only
 *   a COMMIT's answer was lost it is there twice: a few requests too many are not worth another look.
 */
export async function storePage(
  { writer, progress, requests }: StoreParts,
  page: PlainPage,
  settled: PlainPage,
  step: PageStep,
  signal: AbortSignal,
): Promise<PageResult> {
  const sent = requests?.sent() ?? 0;
  const progressAfter = (result: PageResult): PassProgress => {
    const after = { ...progress, requests: progress.requests + sent };
    countPage(after, page, result);
    return after;
  };
  const counted = (result: PageResult): { requests: number; idleRequests: number } => {
    const after = progressAfter(result);
    // Pages before this one may have been idle as well: it is the run that is, or is not.
    const isIdle = step.finished && result.refusedSweep === null && !hasFoundChanges(after);
    return { requests: sent, idleRequests: isIdle ? after.requests : 0 };
  };
  const result = await writer.write(settled, { ...step, requests: counted }, signal);
  requests?.recorded(sent);
  Object.assign(progress, progressAfter(result));
  return result;
}
