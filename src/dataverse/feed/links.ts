import type { Link } from '../../model/page.ts';
import { API_VERSION, apiPath } from '../http/client.ts';

/** A base for relative links, which earlier versions stored as they came. */
const ANY_API = `https://host.invalid${apiPath(API_VERSION)}`;

/**
 * Whether a stored link can be a link of a table's feed: an address of the Web API with the table's entity
 * set and a token ("Use change tracking to synchronize data", "Page results"). A garbled link, or the link of
 * another table in the wrong row of the state, is thus found before it is followed: the environment would
 * answer it with the rows of the other table.
 *
 * The origin is not checked here. A link to another origin is refused when it is followed.
 */
export function isLinkOf(entitySet: string, { url }: Link): boolean {
  if (!URL.canParse(url, ANY_API)) return false;
  const { pathname, search } = new URL(url, ANY_API);
  const named = /^(?:\/[^/]+)?\/api\/data\/v[\d.]+\/([^/]+)$/i.exec(pathname)?.[1];
  if (named?.toLowerCase() !== entitySet.toLowerCase()) return false;
  return /[?&](?:\$|%24)(?:delta|skip)token=[^&]/i.test(search);
}

/**
 * Links are opaque and followed byte for byte. Two numbers in them are read, but never changed:
 * the row version at which a paging cookie was fixed (`maxTimestamp`), and the row version from which a delta
 * link goes on (`<version>!<time>`). Both are undocumented. If either is missing, nothing is concluded.
 */

/** Levels of encoding. A next link was seen to encode its cookie three times. */
const MAX_ENCODINGS = 4;

/**
 * Whether the delta link after several pages stands for the moment of the last page and not of the first. No
 * delta would then bring the changes that were made meanwhile to rows of earlier pages.
 *
 * @param lastNextLink the next link that led to the last page.
 */
export function standsForLastPage(lastNextLink: string, deltaLink: string): boolean {
  const fixedAt = versionReached({ kind: 'next', url: lastNextLink });
  const goesOnFrom = versionReached({ kind: 'delta', url: deltaLink });
  return fixedAt !== undefined && goesOnFrom !== undefined && goesOnFrom > fixedAt;
}

/** The row version that the environment had reached when it issued the link; undefined if it is not found. */
export function versionReached({ kind, url }: Link): bigint | undefined {
  return find(url, kind === 'next' ? /maxTimestamp=["']?(\d+)/i : /deltatoken=(\d+)!/i);
}

/**
 * Whether the environment went back in time between two links, where the second came by following the first.
 * Row versions only grow, unless the environment is restored from a backup, copied over or reset.
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
