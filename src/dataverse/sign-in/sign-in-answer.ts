import { redacted } from '../../log/redaction.ts';
import { isRecord } from '../http/api-error.ts';

/** The last answer of the identity endpoint, or the code of a broken connection. */
export type Outcome = (
  | {
      /** The endpoint refused the sign-in with an error in the form of RFC 6749, section 5.2. */
      readonly kind: 'refused';
      readonly status: number;
      readonly error: string;
      readonly message: string;
    }
  /** The endpoint sent a token or a discovery document, so a failure has its cause on this machine. */
  | { readonly kind: 'served'; readonly status: number }
  /** The endpoint has trouble, or something answered in its place, such as a captive portal. */
  | { readonly kind: 'foreign'; readonly status: number; readonly length: number }
  | { readonly kind: 'network'; readonly code: string }
) & {
  /** The endpoint's host, with its port if it is not the usual one; absent if nothing was sent yet. */
  readonly host?: string;
};

/** Members that identify an answer of the endpoint: a token, a device code, or one of the two discovery documents. */
const SERVED = ['access_token', 'device_code', 'token_endpoint', 'tenant_discovery_endpoint'];
/** Error codes of RFC 6749 for passing trouble. */
const PASSING = ['temporarily_unavailable', 'server_error'];

/** Classifies an answer of the identity endpoint. Only an OAuth error means that a secret is wrong. */
export function outcomeOf(status: number, body: string, secrets: readonly string[]): Outcome {
  const foreign: Outcome = { kind: 'foreign', status, length: Buffer.byteLength(body) };
  if (status >= 500 || status === 429 || status === 408) return foreign;
  const json = jsonOf(body);
  const error = json?.['error'];
  if (typeof error === 'string' && /^[a-z_]{1,40}$/.test(error)) {
    if (PASSING.includes(error)) return foreign;
    const description = json?.['error_description'];
    const words = typeof description === 'string' ? withoutTrace(description) : '';
    return {
      kind: 'refused',
      status,
      error,
      message: redacted(`${error}: ${words}`, { secrets }).slice(0, 500),
    };
  }
  const isServed = status < 300 && SERVED.some((member) => typeof json?.[member] === 'string');
  return isServed ? { kind: 'served', status } : foreign;
}

/** Removes the ids of the request and the time, which only a support case needs. */
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
