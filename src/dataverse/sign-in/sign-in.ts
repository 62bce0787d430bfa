import { readFile } from 'node:fs/promises';
import type { AccessToken } from '@azure/identity';
import { errorCode } from '../../model/error-code.ts';
import { Failure } from '../../model/failure.ts';
import { secretInFile, secretProblem } from '../../log/secret-text.ts';
import { abortable } from '../../timing/sleep.ts';
import type { ObservedCredential } from './azure-credential.ts';
import { checkFile, secretsOf, signInFailure, TIMED_OUT } from './sign-in-failure.ts';

/** How to sign in; what each way needs has been checked when the configuration was read. */
export type SignIn =
  | {
      readonly method: 'access-token';
      readonly token: string;
      /** The file it came from, read again when the token is refused: whoever writes it may renew it. */
      readonly tokenFile?: string;
    }
  | {
      readonly method: 'client-secret';
      readonly tenantId: string;
      readonly clientId: string;
      readonly clientSecret: string;
      readonly authorityHost?: string;
    }
  | {
      readonly method: 'client-certificate';
      readonly tenantId: string;
      readonly clientId: string;
      readonly certificatePath: string;
      readonly certificatePassword?: string;
      readonly authorityHost?: string;
    }
  | {
      readonly method: 'workload-identity';
      readonly tenantId: string;
      readonly clientId: string;
      readonly tokenFilePath: string;
      readonly authorityHost?: string;
    }
  | { readonly method: 'managed-identity'; readonly clientId?: string }
  | { readonly method: 'azure-cli'; readonly tenantId?: string }
  | { readonly method: 'default'; readonly authorityHost?: string };

/** Gives access tokens for one environment. */
export interface TokenSource {
  /** A token that is good for some minutes yet. */
  token(signal: AbortSignal): Promise<string>;
  /** The server refused `token`: a later call gives another one, or the same where there is no other. */
  refuse(token: string): void;
}

/** Renewed this long before its end, so that no request starts with a token that ends under way. */
const EARLY = 5 * 60_000;
/**
 * Milliseconds for which a new token is used, whatever it says about its end: where it lives shorter than
 * that, or this machine's clock is ahead, every single request would sign in otherwise.
 */
const LEAST = 30_000;
const TIME_LIMIT = 60_000;
/** Milliseconds for which a failure stands for all who ask: two hundred tables do not try one by one. */
const REST = 5_000;

/**
 * Tokens for `<origin>/.default`, with one refresh in flight at a time however many requests wait.
 *
 * @azure/identity keeps tokens in memory and would hand out a revoked one again; after `refuse` the
 * credential is made anew, which empties that cache.
 */
export function createTokenSource(signIn: SignIn, origin: string, now: () => number = Date.now): TokenSource {
  return signIn.method === 'access-token'
    ? createReadyTokenSource(signIn.token, signIn.tokenFile)
    : createIdentitySource(signIn, origin, now);
}

function createReadyTokenSource(first: string, file: string | undefined): TokenSource {
  let token = first;
  let refused = false;
  return {
    async token() {
      if (refused && file !== undefined) token = await readToken(file);
      refused = false;
      return token;
    },
    refuse() {
      refused = true;
    },
  };
}

async function readToken(file: string): Promise<string> {
  const read = await readFile(file).then(secretInFile, (error: unknown) => ({
    problem: `names no file that can be read (${errorCode(error) ?? ''})`,
  }));
  const problem = 'problem' in read ? read.problem : secretProblem(read.text, 'header');
  if (problem === undefined && 'text' in read) return read.text;
  throw new Failure({
    code: 'sign-in-failed',
    reaction: 'retry',
    message: `The access token was refused, and DATAVERSE_ACCESS_TOKEN_FILE ${problem ?? ''}.`,
  });
}

/** A sign-in under way, and how many wait for it. */
interface Refresh {
  readonly controller: AbortController;
  readonly result: Promise<AccessToken>;
  waiting: number;
}

export type IdentitySignIn = Exclude<SignIn, { method: 'access-token' }>;

function createIdentitySource(signIn: IdentitySignIn, origin: string, now: () => number): TokenSource {
  const scope = `${origin}/.default`;
  let credential: ObservedCredential | undefined;
  let current: { readonly token: string; readonly goodUntil: number; readonly endsAt: number } | undefined;
  let refresh: Refresh | undefined;
  let failed: { readonly failure: Failure; readonly until: number } | undefined;

  async function acquire(signal: AbortSignal): Promise<AccessToken> {
    const limit = AbortSignal.timeout(TIME_LIMIT);
    try {
      if (credential === undefined) {
        // Loaded by need: it is half of what a start takes, and a ready token does without.
        const { observedCredential } = await import('./azure-credential.ts');
        await checkFile(signIn);
        credential = observedCredential(signIn, secretsOf(signIn));
      }
      const abortSignal = AbortSignal.any([signal, limit]);
      // Not every credential heeds the signal in everything it waits for.
      const token = await abortable(credential.credential.getToken(scope, { abortSignal }), abortSignal);
      if (token === null || secretProblem(token.token, 'header') !== undefined) throw new Error('no token');
      return token;
    } catch (error) {
      signal.throwIfAborted();
      const outcome = limit.aborted ? TIMED_OUT : credential?.outcome();
      const failure = signInFailure(signIn, error, outcome);
      // Made anew next time: it would repeat an answer of 429 or 5xx for a minute without asking again.
      credential = undefined;
      failed = { failure, until: performance.now() + REST };
      throw failure;
    }
  }

  /** One refresh for all who wait; it ends early only when none of them does any more. */
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
        current = { token, goodUntil: Math.max(endsAt - EARLY, now() + LEAST), endsAt };
        return token;
      } catch (error) {
        signal.throwIfAborted();
        // That it cannot be renewed early is no trouble before it ends.
        if (current !== undefined && current.endsAt > now()) return current.token;
        throw error;
      }
    },
    refuse(token) {
      if (current?.token !== token) return;
      current = undefined;
      credential = undefined;
    },
  };
}
