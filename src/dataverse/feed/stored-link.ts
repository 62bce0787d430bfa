import type { Link } from '../../model/page.ts';
import { API_PATH } from '../http/client.ts';

/** Earlier versions stored relative links as they came; the client follows those from here. */
const ANY_API = `https://host.invalid${API_PATH}`;

/**
 * Whether a link that was stored can be one of a table's feed: an address of the Web API that names the
 * table's entity set and has a token ("Use change tracking to synchronize data", "Page results"). One
 * that was garbled, or put in the wrong row, is found out before it is followed: another table's link
 * would be answered, with another table's rows.
 *
 * Where it leads to is not looked at: a link to another origin is refused, and says why, when it is
 * followed.
 */
export function isLinkOf(entitySet: string, { url }: Link): boolean {
  if (!URL.canParse(url, ANY_API)) return false;
  const { pathname, search } = new URL(url, ANY_API);
  const named = /^\/api\/data\/v[\d.]+\/([^/]+)$/i.exec(pathname)?.[1];
  if (named?.toLowerCase() !== entitySet.toLowerCase()) return false;
  return /[?&](?:\$|%24)(?:delta|skip)token=[^&]/i.test(search);
}
