import { createHash } from 'node:crypto';
import { Failure } from '../../model/failure.ts';

/** Bytes of a digest: two links of a million that happen to share one are not to be expected. */
const DIGEST = 16;

/**
 * The links that paging has followed, to notice when it comes back to where it was, which would never
 * end. A load may have a million pages with links of a kilobyte each: digests of them are kept.
 */
export class FollowedLinks {
  private readonly digests = new Set<string>();

  /** @throws Failure `link-loop` for one that was added before. */
  add(url: string): void {
    const digest = createHash('sha256').update(url).digest().toString('latin1', 0, DIGEST);
    if (this.digests.has(digest)) throw linkLoop();
    this.digests.add(digest);
  }

  /** What comes now may have come before. */
  forget(): void {
    this.digests.clear();
  }
}

function linkLoop(): Failure {
  return new Failure({
    code: 'link-loop',
    message: 'The environment named a next page that was read already.',
  });
}
