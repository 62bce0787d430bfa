import { Failure } from '../../model/failure.ts';

/**
 * Parses a link and checks that it leads to the environment's own address.
 *
 * Next and delta links come from the wire, and the bearer token must not be sent to any other place. The
 * request uses the same URL object that was checked, so a second parser cannot read the text differently.
 *
 * On premises, organizations of one server differ by their paths. There a link must also stay below the path of the
 * organization.
 *
 * @param address of the environment, without a slash at its end.
 * @throws Failure `foreign-link` for another address, credentials in the URL, or no URL at all.
 */
export function ownUrl(link: string, address: string, base: string = address): URL {
  const url = URL.canParse(link, base) ? new URL(link, base) : undefined;
  if (url !== undefined && isBelow(url, address) && url.username === '' && url.password === '') return url;
  throw new Failure({
    code: 'foreign-link',
    message: `The environment named a link to ${url?.origin ?? 'no valid address'}, which is not ${address}; no request was made.`,
    remedy: `If the environment moved, set dataverse.url (DATAVERSE_URL) to its new address. Otherwise find out who answers for ${address}.`,
  });
}

function isBelow(url: URL, address: string): boolean {
  const own = new URL(address);
  // Not `url.origin`: for `blob:https://…` it would be the inner origin.
  if (`${url.protocol}//${url.host}` !== own.origin) return false;
  const path = own.pathname.replace(/\/+$/, '').toLowerCase();
  if (path === '') return true;
  // A server may take an encoded slash for a slash, and `..` behind it for the folder above.
  return url.pathname.toLowerCase().startsWith(`${path}/`) && !/%2f|%5c/i.test(url.pathname);
}

/**
 * A link from an answer in the form in which it is stored: an absolute link byte for byte, a relative link
 * resolved, because a later process does not know the address of the answer.
 *
 * The base is the address of the answer (OData JSON Format, "Relative URLs"). The standard prefers the
 * context URL. In Dataverse that is `$metadata` beside the entity sets, which gives the same result except
 * for a link that is only a query. An answer must also not choose the host that its links lead to.
 *
 * @throws Failure `foreign-link`, as `ownUrl`: a link that can never be followed must not be stored.
 */
export function absoluteLink(link: string, origin: string, base: URL): string {
  const { href } = ownUrl(link, origin, base.href);
  return URL.canParse(link) && new URL(link).href === href ? link : href;
}
