import { Failure } from '../../model/failure.ts';

/**
 * Parses a link and checks that it leads to the environment's own origin.
 *
 * Next and delta links come from the wire, and the bearer token must not be sent to any other origin. The
 * request uses the same URL object that was checked, so a second parser cannot read the text differently.
 *
 * @throws Failure `foreign-link` for another origin, credentials in the URL, or no URL at all.
 */
export function ownUrl(link: string, origin: string, base: string = origin): URL {
  const url = URL.canParse(link, base) ? new URL(link, base) : undefined;
  // Not `url.origin`: for `blob:https://…` it would be the inner origin.
  const isOwn = url !== undefined && `${url.protocol}//${url.host}` === origin;
  if (isOwn && url.username === '' && url.password === '') return url;
  throw new Failure({
    code: 'foreign-link',
    message: `The environment named a link to ${url?.origin ?? 'no valid address'}, which is not ${origin}; no request was made.`,
    remedy: `If the environment moved, set dataverse.url (DATAVERSE_URL) to its new address. Otherwise find out who answers for ${origin}.`,
  });
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
