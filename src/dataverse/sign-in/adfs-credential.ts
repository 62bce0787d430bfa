import { createHttpClient } from '../http/http-client.ts';
import { isRecord } from '../http/api-error.ts';
import { networkCode } from '../http/retry.ts';
import type { Agents } from '../network/proxy-agent.ts';
import type { ObservedCredential } from './azure-credential.ts';
import { outcomeOf, type Outcome } from './sign-in-answer.ts';
import type { SignIn } from './sign-in-methods.ts';

type AdfsSignIn = Extract<SignIn, { method: 'client-secret' }> &
  Required<Pick<Extract<SignIn, { method: 'client-secret' }>, 'adfs'>>;

/** Bytes of an answer of AD FS at most. */
const LARGEST = 1024 * 1024;
/** Seconds that a token lives if AD FS does not say; "AD FS OpenID Connect/OAuth concepts" has an hour as the default. */
const USUAL_LIFE = 3_600;

/**
 * Signs in to AD FS by a client secret (RFC 6749, section 4.4). AD FS 2016 wants `resource`, which names the environment
 * as a relying party, and knows no scope `.default`; @azure/identity sends only a scope.
 *
 * @param secrets texts that no outcome may contain in part.
 * @param address of the environment, without a slash at its end.
 */
export function adfsCredential(
  { clientId, clientSecret, adfs }: AdfsSignIn,
  secrets: readonly string[],
  agents: Agents,
  address: string,
): ObservedCredential {
  const url = new URL(adfs.tokenUrl);
  const resource = adfs.resource ?? `${address}/`;
  const { host } = url;
  const http = createHttpClient(undefined, agents);
  let outcome: Outcome | undefined;
  const credential: ObservedCredential['credential'] = {
    async getToken(_scopes, options) {
      const form = {
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: clientSecret,
        resource,
      };
      // What counts if no answer comes.
      outcome = { kind: 'network', code: 'time-out', host };
      const asked = Date.now();
      try {
        const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
        const call = {
          method: 'POST',
          url,
          headers,
          body: new URLSearchParams(form).toString(),
          largest: LARGEST,
        } as const;
        const signal = options?.abortSignal;
        const answer = await http.send(
          call,
          signal instanceof AbortSignal ? signal : new AbortController().signal,
        );
        const text = new TextDecoder().decode(answer.body);
        outcome = { ...outcomeOf(answer.status, text, secrets), host };
        if (outcome.kind !== 'served') return null;
        const token: unknown = JSON.parse(text);
        if (!isRecord(token) || typeof token['access_token'] !== 'string') return null;
        const life = Number(token['expires_in'] ?? USUAL_LIFE);
        const seconds = Number.isFinite(life) && life > 0 ? life : USUAL_LIFE;
        return { token: token['access_token'], expiresOnTimestamp: asked + 1_000 * seconds };
      } catch (error) {
        if (outcome.kind === 'network') {
          outcome = { kind: 'network', code: networkCode(error) ?? 'unknown', host };
        }
        throw error;
      }
    },
  };
  return { credential, outcome: () => outcome };
}
