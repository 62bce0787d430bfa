import { Failure } from '../../model/failure.ts';

/**
 * A link as a URL, when it leads to the environment's own origin.
 *
 * Next and delta links are absolute and come from the wire; a bearer token must not follow one
 * anywhere else. The check is made on the parsed URL, the request uses the same object, so no second
 * reading of the text can disagree.
 *
 * @throws Failure `foreign-link` for another origin, credentials in the URL, or no URL at all.
 */
export function ownUrl(link: string, origin: string, base: string = origin): URL {
  const url = URL.canParse(link, base) ? new URL(link, base) : undefined;
  // Not `url.origin`: that of `blob:https://…` is the origin inside.
  const isOwn = url !== undefined && `${url.protocol}//${url.host}` === origin;
  if (isOwn && url.username === '' && url.password === '') return url;
  throw new Failure({
    code: 'foreign-link',
    reaction: 'stop-table',
    message: `The environment named a link to ${url?.origin ?? 'no valid address'}, which is not ${origin}; no request was made.`,
    remedy: `If the environment moved, set dataverse.url (DATAVERSE_URL) to its new address. Otherwise find out who answers for ${origin}.`,
  });
}

/**
 * A link out of an answer, as it is to be stored: an absolute one byte for byte, a relative one resolved,
 * because whoever follows it later knows nothing of the answer.
 *
 * The base is the answer's own address (OData JSON Format, "Relative URLs"). The context URL, which goes
 * before it there, is `$metadata` beside the entity sets in Dataverse and leads to the same, but for a link
 * that is a query alone; and an answer is not to choose the host that its links lead to.
 *
 * @throws Failure `foreign-link`, as `ownUrl`: a link that can never be followed is not to be stored.
 */
export function absoluteLink(link: string, origin: string, base: URL): string {
  const { href } = ownUrl(link, origin, base.href);
  return URL.canParse(link) && new URL(link).href === href ? link : href;
}
