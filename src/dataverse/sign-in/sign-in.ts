import type { AccessToken } from '@azure/identity';
import { Failure } from '../../model/failure.ts';
import { isLoopback } from '../../model/loopback.ts';
import { readSecretFile } from '../../log/secret-file.ts';
import { secretProblem } from '../../log/secret-text.ts';
import { abortable } from '../../timing/sleep.ts';
import { createAgents, type Agents } from '../network/proxy-agent.ts';
import type { ProxySettings } from '../network/proxy-settings.ts';
import type { Instruct, ObservedCredential } from './azure-credential.ts';
import { isByPerson, type IdentitySignIn, type SignIn } from './sign-in-methods.ts';
import { emulatorToken, tokenTrouble, type TokenTrouble } from './token-trouble.ts';
import { checkFile, secretsOf, signInFailure, TIMED_OUT } from './sign-in-failure.ts';

/** Supplies access tokens for one environment. */
export interface TokenSource {
  /** A token that is still valid for some minutes if possible. */
  token(signal: AbortSignal): Promise<string>;
  /** Records that the server refused `token`. A later call of `token` returns another one if there is one. */
  refuse(token: string): void;
  /** Why the server may have refused `token`, where the source can tell. */
  trouble?(token: string): TokenTrouble;
}

/** Milliseconds before its end at which a token is renewed, so that it does not end during a request. */
const EARLY = 5 * 60_000;
/**
 * Milliseconds for which a new token is used at least. Otherwise every request would sign in if tokens live
 * shorter than `EARLY`, or if this machine's clock is ahead.
 */
const LEAST = 30_000;
const TIME_LIMIT = 60_000;
/** Milliseconds for a person: a device code lives for 15 minutes. */
const TIME_LIMIT_OF_PERSON = 16 * 60_000;
/** Milliseconds between two looks at the file of a ready token. */
const LOOK_EVERY = 5_000;
/** Milliseconds for which a failure holds for all callers, so that two hundred tables do not try one by one. */
const REST = 5_000;

export interface TokenSourceOptions {
  /** The way to the identity endpoint; absent, the source has its own. */
  readonly agents?: Agents;
  /** The proxy of the agents, for messages. */
  readonly proxy?: ProxySettings | undefined;
  /** Tells the person who signs in what to do; needed for `device-code` and `browser`. */
  readonly instruct?: Instruct | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/**
 * Supplies tokens for `<origin>/.default`. At most one refresh is in flight, however many requests wait.
 *
 * @azure/identity keeps tokens in memory and would return a revoked token again. After `refuse` a new
 * credential is made, which has an empty cache.
 */
export function createTokenSource(
  signIn: SignIn,
  origin: string,
  options: TokenSourceOptions = {},
): TokenSource {
  return signIn.method === 'access-token'
    ? createReadyTokenSource(signIn.token, signIn.tokenFile, origin, options.now ?? Date.now)
    : createIdentitySource(signIn, origin, options);
}

function createReadyTokenSource(
  first: string,
  file: string | undefined,
  origin: string,
  now: () => number,
): TokenSource {
  const variable = file === undefined ? 'DATAVERSE_ACCESS_TOKEN' : 'DATAVERSE_ACCESS_TOKEN_FILE';
  let token = first;
  let refused = false;
  let lookAt = performance.now() + LOOK_EVERY;
  return {
    async token() {
      if (file !== undefined && (refused || performance.now() >= lookAt)) {
        lookAt = performance.now() + LOOK_EVERY;
        const read = await readSecretFile(file, 'header');
        // A file that cannot be read matters only once the token in use is refused.
        if ('text' in read) token = read.text;
        else if (refused) throw unreadable(read.problem);
      }
      refused = false;
      return token;
    },
    refuse() {
      refused = true;
    },
    trouble: (refusedToken) => tokenTrouble(refusedToken, variable, origin, now()),
  };
}

function unreadable(problem: string): Failure {
  return new Failure({
    code: 'sign-in-failed',
    reaction: 'retry',
    message: `The access token was refused, and DATAVERSE_ACCESS_TOKEN_FILE ${problem}.`,
  });
}

/** When a token that ends at `endsAt` is renewed: early, but not with each request, and never after its end. */
function goodUntil(endsAt: number, now: number): number {
  const least = now + LEAST;
  // A token that has ended already shows that this machine's clock is ahead.
  return Math.max(endsAt - EARLY, endsAt <= now ? least : Math.min(least, endsAt));
}

/** The sign-in with the secret that its file has now. While the file cannot be read, the known secret counts. */
async function withFreshSecret(signIn: IdentitySignIn): Promise<IdentitySignIn> {
  if (signIn.method === 'client-secret' && signIn.secretFile !== undefined) {
    const read = await readSecretFile(signIn.secretFile, 'header');
    const isNew = 'text' in read && read.text !== signIn.clientSecret;
    return isNew ? { ...signIn, clientSecret: read.text } : signIn;
  }
  if (signIn.method === 'client-certificate' && signIn.passwordFile !== undefined) {
    const read = await readSecretFile(signIn.passwordFile);
    const isNew = 'text' in read && read.text !== signIn.certificatePassword;
    return isNew ? { ...signIn, certificatePassword: read.text } : signIn;
  }
  return signIn;
}

/** A running sign-in, and the number of callers that wait for it. */
interface Refresh {
  readonly controller: AbortController;
  readonly result: Promise<AccessToken>;
  waiting: number;
}

function createIdentitySource(
  first: IdentitySignIn,
  origin: string,
  { now = Date.now, proxy, agents = createAgents(proxy), instruct = () => undefined }: TokenSourceOptions,
): TokenSource {
  const scope = `${new URL(origin).origin}/.default`;
  let signIn = first;
  /** Every secret that was in use. An answer may still quote one that was replaced. */
  const secrets = new Set(secretsOf(first));
  let credential: ObservedCredential | undefined;
  let current: { readonly token: string; readonly goodUntil: number; readonly endsAt: number } | undefined;
  let refresh: Refresh | undefined;
  let failed: { readonly failure: Failure; readonly until: number } | undefined;

  async function acquire(signal: AbortSignal): Promise<AccessToken> {
    const limit = AbortSignal.timeout(isByPerson(signIn) ? TIME_LIMIT_OF_PERSON : TIME_LIMIT);
    const fresh = await withFreshSecret(signIn);
    if (fresh !== signIn) {
      signIn = fresh;
      for (const secret of secretsOf(fresh)) secrets.add(secret);
      credential = undefined;
    }
    try {
      if (credential === undefined) {
        // Loaded only when it is needed: it takes half of the start-up time, and a ready token does not need it.
        const { observedCredential } = await import('./azure-credential.ts');
        await checkFile(signIn);
        credential = observedCredential(signIn, [...secrets], agents, instruct, origin);
      }
      const abortSignal = AbortSignal.any([signal, limit]);
      // Some credentials ignore the signal in a part of their waits.
      const token = await abortable(credential.credential.getToken(scope, { abortSignal }), abortSignal);
      if (token === null || secretProblem(token.token, 'header') !== undefined) throw new Error('no token');
      return token;
    } catch (error) {
      signal.throwIfAborted();
      const seen = credential?.outcome();
      const outcome = limit.aborted && seen?.kind !== 'network' ? TIMED_OUT : seen;
      const failure = atLoopback(
        signInFailure(signIn, error, outcome, { proxy, secrets: [...secrets] }),
        signIn,
        origin,
      );
      // A new credential is made next time: the old one would repeat a 429 or 5xx for a minute without a request.
      credential = undefined;
      failed = { failure, until: performance.now() + REST };
      throw failure;
    }
  }

  /** Shares one refresh among all callers. It is aborted when no caller waits for it any more. */
  async function refreshed(signal: AbortSignal): Promise<AccessToken> {
    if (refresh === undefined) {
      const controller = new AbortController();
      const result = acquire(controller.signal);
      const started: Refresh = { controller, result, waiting: 0 };
      const end = (): void => {
        if (refresh === started) refresh = undefined;
      };
      result.then(end, end);
      refresh = started;
    }
    const shared = refresh;
    shared.waiting++;
    try {
      return await abortable(shared.result, signal);
    } finally {
      if (--shared.waiting === 0 && refresh === shared) {
        refresh = undefined;
        shared.controller.abort(new Error('Nobody waits for the token any more.'));
      }
    }
  }

  return {
    async token(signal) {
      signal.throwIfAborted();
      if (current !== undefined && current.goodUntil > now()) return current.token;
      try {
        if (failed !== undefined && failed.until > performance.now()) throw failed.failure;
        const { token, expiresOnTimestamp: endsAt } = await refreshed(signal);
        current = { token, goodUntil: goodUntil(endsAt, now()), endsAt };
        return token;
      } catch (error) {
        signal.throwIfAborted();
        // The old token still works until its end, so a failed early renewal is not a failure yet.
        if (current !== undefined && current.endsAt > now()) return current.token;
        throw error;
      }
    },
    refuse(token) {
      if (current?.token !== token) return;
      current = undefined;
      // A person would have to sign in again, and would get a token of the same kind.
      if (!isByPerson(signIn)) credential = undefined;
    },
  };
}

/** A person who tries the emulator has no identity that could sign in, and needs none. */
function atLoopback(failure: Failure, { method }: SignIn, origin: string): Failure {
  if (method !== 'default' || !isLoopback(new URL(origin).hostname)) return failure;
  return failure.saying(failure.message, emulatorToken(origin, 'DATAVERSE_ACCESS_TOKEN'));
}
