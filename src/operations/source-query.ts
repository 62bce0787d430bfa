import { Failure } from '../model/failure.ts';
import type { DataverseClient } from '../dataverse/http/client.ts';
import { ownUrl } from '../dataverse/http/origin.ts';
import { parseWithDigits } from '../dataverse/http/json-with-digits.ts';

/** A GET that a person asks for. */
export interface SourceQuery {
  readonly url: string;
  /** Asks for formatted values, names of lookups and all else that Dataverse can say beside a value. */
  readonly annotations?: boolean;
  /** Rows of a page at most. */
  readonly pageSize?: number | undefined;
  /** Bytes of the answer at most; a larger one is not read. */
  readonly largest: number;
}

/** What came, without the tokens of links. */
export type SourceAnswer =
  /** Numbers are as they came: `JSON.stringify` writes each digit again. */
  | { readonly kind: 'json'; readonly contentType: string; readonly json: unknown }
  | { readonly kind: 'text'; readonly contentType: string; readonly text: string }
  /** Anything that is no text in UTF-8, such as an image. */
  | { readonly kind: 'bytes'; readonly contentType: string; readonly bytes: Uint8Array };

/**
 * The address that a path means: under the Web API, or from `/api/` on. FetchXML behind `fetchXml=` may be as a
 * person writes it, without percent-encoding.
 *
 * @returns undefined for any other address. The access token is for this environment only.
 */
export function sourceUrl(
  path: string,
  { origin, root }: Pick<DataverseClient, 'origin' | 'root'>,
): string | undefined {
  const text = encodedQuery(path.trim());
  if (text.startsWith('/') && !text.startsWith('/api/')) return undefined;
  try {
    const { href, pathname } = ownUrl(text.startsWith('/') ? origin + text : text, origin, root);
    const below = new URL(origin).pathname.replace(/\/$/, '');
    return pathname.toLowerCase().startsWith(`${below.toLowerCase()}/api/`) ? href : undefined;
  } catch {
    return undefined;
  }
}

/** A path whose query keeps its meaning in a URL: `#` would begin a fragment, and `&` of FetchXML a parameter. */
function encodedQuery(path: string): string {
  const at = path.search(/[?&]fetchxml=\s*</i);
  if (at === -1) return path.replaceAll('#', '%23');
  const begin = path.indexOf('=', at) + 1;
  return path.slice(0, begin).replaceAll('#', '%23') + encodeURIComponent(path.slice(begin).trim());
}

/**
 * Sends one GET through sign-in and budget. Redirects to another origin are not followed.
 *
 * @throws Failure for any answer but a success; `answer-too-large`.
 */
export async function querySource(
  client: DataverseClient,
  { url, annotations = false, pageSize, largest }: SourceQuery,
  signal: AbortSignal,
): Promise<SourceAnswer> {
  const prefer = [
    ...(annotations ? ['odata.include-annotations="*"'] : []),
    ...(pageSize === undefined ? [] : [`odata.maxpagesize=${pageSize}`]),
  ];
  const request = {
    url,
    priority: 'metadata' as const,
    asked: new URL(url).pathname,
    accept: acceptedFor(new URL(url).pathname),
    largest,
    ...(prefer.length === 0 ? {} : { prefer }),
  };
  try {
    return await client.get(request, signal, ({ body, headers }) =>
      answerOf(body, headers.get('content-type') ?? 'application/octet-stream'),
    );
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'answer-too-large') throw error;
    const remedy = 'Ask for less, with $select, $top or --page-size. limits.pageBytes sets the limit.';
    throw new Failure({ code: error.code, message: error.message, remedy, cause: error });
  }
}

/** The Web API refuses to send metadata, numbers and contents of files as JSON. */
function acceptedFor(path: string): string {
  if (path.endsWith('/$metadata')) return 'application/xml';
  return /\/\$(?:value|count)$/.test(path) ? '*/*' : 'application/json';
}

/** @throws SyntaxError if JSON is not whole: the client then repeats the request. */
function answerOf(bytes: Uint8Array, contentType: string): SourceAnswer {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { kind: 'bytes', contentType, bytes };
  }
  if (!/[/+]json\b/i.test(contentType)) return { kind: 'text', contentType, text: withoutTokens(text) };
  return { kind: 'json', contentType, json: parseWithDigits(text, withoutTokens) };
}

/** A text whose links lead nowhere: with its token, a link reads a whole table under its own sign-in. */
function withoutTokens(text: string): string {
  return text.replaceAll(/((?:\$|%24)(?:skip|delta)token=)[^&\s"'<]*/gi, '$1…');
}
