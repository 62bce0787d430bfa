import type { FaultAction } from './fault-script.ts';
import { JSON_CONTENT, type Reply } from '../web-api/web-api.ts';

const GATEWAY_PAGE = (status: number): string =>
  `<!DOCTYPE html><html><head><title>${status} Service Unavailable</title></head>` +
  "<body><h2>Our services aren't available right now</h2><p>We're working to restore all services as soon as possible.</p></body></html>";

/** The answer that a fault gives instead of the ordinary answer, or null if it only changes the ordinary one. */
export function faultReply(action: FaultAction): Reply | null {
  const headers: Record<string, string> = { ...action.headers };
  if (action.retryAfter !== undefined) headers['Retry-After'] = String(action.retryAfter);
  if (action.redirectTo !== undefined) {
    return { status: action.status ?? 302, headers: { ...headers, Location: action.redirectTo }, body: '' };
  }
  if (action.html === true) {
    const status = action.status ?? 503;
    const body = typeof action.body === 'string' ? action.body : GATEWAY_PAGE(status);
    return { status, headers: { 'Content-Type': 'text/html', ...headers }, body };
  }
  const { status, body, code, message } = action;
  if (body !== undefined) {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return { status: status ?? 200, headers: { 'Content-Type': JSON_CONTENT, ...headers }, body: text };
  }
  // With another status of success the ordinary body is sent.
  const isSuccess = status === undefined || status < 300;
  if (isSuccess && code === undefined && message === undefined) return null;
  const error = {
    error: { code: code ?? '0x80040216', message: message ?? 'An unexpected error occurred.' },
  };
  return {
    status: status ?? 400,
    headers: { 'Content-Type': JSON_CONTENT, ...headers },
    body: JSON.stringify(error),
  };
}

/** The ordinary answer with the changes that a fault makes. */
export function alteredReply(reply: Reply, action: FaultAction): Reply {
  const status = action.status ?? reply.status;
  if (action.transform === undefined && action.transformText === undefined) {
    return { ...reply, status, headers: alteredHeaders(reply, action) };
  }
  let body = reply.body.toString();
  if (action.transform !== undefined) {
    const json: unknown = JSON.parse(body);
    body = JSON.stringify(action.transform(json));
  }
  if (action.transformText !== undefined) body = action.transformText(body);
  return { status, headers: alteredHeaders(reply, action), body };
}

function alteredHeaders(reply: Reply, action: FaultAction): Record<string, string> {
  const retryAfter = action.retryAfter === undefined ? {} : { 'Retry-After': String(action.retryAfter) };
  return { ...reply.headers, ...action.headers, ...retryAfter };
}
