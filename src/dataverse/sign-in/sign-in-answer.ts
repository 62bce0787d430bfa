import { redacted } from '../../log/redaction.ts';
import { isRecord } from '../http/api-error.ts';

/** The last answer of the identity endpoint, or the code of a broken connection. */
export type Outcome =
  /** The endpoint has understood and refused: an error as RFC 6749, section 5.2, writes it. */
  | { readonly kind: 'refused'; readonly status: number; readonly said: string }
  /** A token, or a document that discovery reads: what failed did so at this end. */
  | { readonly kind: 'served'; readonly status: number }
  /** Trouble of the endpoint, or something in its place, such as a captive portal. */
  | { readonly kind: 'foreign'; readonly status: number; readonly length: number }
  | { readonly kind: 'network'; readonly code: string };

/** Members by which a document is known for one of the endpoint: of a token, and of the two of discovery. */
const SERVED = ['access_token', 'token_endpoint', 'tenant_discovery_endpoint'];
/** Words of RFC 6749 for trouble that passes. */
const PASSING = ['temporarily_unavailable', 'server_error'];

/** What an answer of the identity endpoint means. Only an OAuth error says that a secret is wrong. */
export function outcomeOf(status: number, body: string, secrets: readonly string[]): Outcome {
  const foreign: Outcome = { kind: 'foreign', status, length: Buffer.byteLength(body) };
  if (status >= 500 || status === 429 || status === 408) return foreign;
  const json = jsonOf(body);
  const error = json?.['error'];
  if (typeof error === 'string' && /^[a-z_]{1,40}$/.test(error)) {
    if (PASSING.includes(error)) return foreign;
    const description = json?.['error_description'];
    const words = typeof description === 'string' ? withoutTrace(description) : '';
    return { kind: 'refused', status, said: redacted(`${error}: ${words}`, { secrets }).slice(0, 500) };
  }
  const isServed = status < 300 && SERVED.some((member) => typeof json?.[member] === 'string');
  return isServed ? { kind: 'served', status } : foreign;
}

/** Ids of the request, and the time: of use to a support case, and noise to everybody else. */
function withoutTrace(description: string): string {
  return description.replace(/\s*Trace ID:[\s\S]*$/, '');
}

function jsonOf(body: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
