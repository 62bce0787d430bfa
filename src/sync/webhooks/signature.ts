import { createHmac } from 'node:crypto';

/** A call as it is signed. */
export interface SignedCall {
  readonly id: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly body: string;
}

const PREFIX = 'whsec_';

/**
 * The headers of a call by the Standard Webhooks scheme, https://www.standardwebhooks.com.
 *
 * @param secrets each gives a signature, so that a receiver may have the former or the new secret.
 */
export function signatureHeaders(
  { id, timestamp, body }: SignedCall,
  secrets: readonly string[],
): Record<string, string> {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  };
}
