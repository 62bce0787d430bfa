import type { IncomingHttpHeaders } from 'node:http';
import type { Reply } from '../web-api/web-api.ts';

/** What a quoting answer quotes of its request. */
export interface Quoted {
  readonly headers: IncomingHttpHeaders;
  /** The whole address of the request. */
  readonly url: string;
  readonly body: string;
  /** A value of a row. */
  readonly row: string;
}

/**
 * Makes an error quote everything that live errors were seen to quote: the token or the secret that was sent, the
 * link, a row. They stand in the message of a JSON error, in the text of another error, and in headers that a client
 * may log.
 */
export function quotingReply(reply: Reply, quoted: Quoted): Reply {
  const isPage = (reply.headers['Content-Type'] ?? '').includes('html');
  if (reply.status < 400 && !isPage) return reply;
  const { headers, url, body, row } = quoted;
  const sent = headers.authorization ?? new URLSearchParams(body).get('client_secret') ?? '';
  const text = ` (You sent "${sent}" to ${url} for the row '${row}', ${JSON.stringify({ name: row })}.)`;
  return {
    status: reply.status,
    headers: { ...reply.headers, REQ_ID: sent, 'WWW-Authenticate': sent },
    body: isPage ? reply.body.toString() + text : withText(reply.body.toString(), text),
  };
}

function withText(body: string, text: string): string {
  try {
    const json = JSON.parse(body) as { error?: { message?: string } | string; error_description?: string };
    if (typeof json.error === 'string') {
      return JSON.stringify({ ...json, error_description: (json.error_description ?? '') + text });
    }
    const message = (json.error?.message ?? '') + text;
    return JSON.stringify({ ...json, error: { ...json.error, message } });
  } catch {
    return body + text;
  }
}
