import type { Link } from '../../model/page.ts';

/**
 * Links are opaque and followed byte for byte. Two numbers in them are looked at all the same, never
 * changed: which row version a walk's paging cookie was fixed at (`maxTimestamp`), and which one a delta
 * link's token goes on from (`<version>!<time>`). Both are undocumented; where either cannot be found
 * nothing is concluded.
 */

/** Encoded three times in a next link, as seen in clients that read it. */
const MAX_ENCODINGS = 4;

/**
 * Whether the delta link of a load, or of a delta of several pages, stands for its last page rather than
 * its first: rows deleted or changed on pages already read would then come with no delta.
 *
 * @param lastNextLink the next link that led to the last page.
 */
export function standsForLastPage(lastNextLink: string, deltaLink: string): boolean {
  const fixedAt = versionReached({ kind: 'next', url: lastNextLink });
  const goesOnFrom = versionReached({ kind: 'delta', url: deltaLink });
  return fixedAt !== undefined && goesOnFrom !== undefined && goesOnFrom > fixedAt;
}

/** The row version that the environment had reached when it issued a link; undefined if not to be read. */
export function versionReached({ kind, url }: Link): bigint | undefined {
  return find(url, kind === 'next' ? /maxTimestamp=["']?(\d+)/i : /deltatoken=(\d+)!/i);
}

/**
 * Whether an environment has gone back in time between two links, the second of which came by following
 * the first: row versions only grow, unless it is restored from a backup, copied over or reset.
 */
export function wentBack(followed: Link, received: Link): boolean {
  const before = versionReached(followed);
  const after = versionReached(received);
  return before !== undefined && after !== undefined && after < before;
}

function find(link: string, pattern: RegExp): bigint | undefined {
  let text = link;
  for (let encodings = 0; encodings <= MAX_ENCODINGS; encodings++) {
    const found = pattern.exec(text)?.[1];
    if (found !== undefined) return BigInt(found);
    try {
      text = decodeURIComponent(text);
    } catch {
      return undefined;
    }
  }
  return undefined;
}
