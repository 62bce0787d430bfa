import { access, constants } from 'node:fs/promises';
import { errorCode } from '../../model/error-description.ts';
import { Failure } from '../../model/failure.ts';
import { redacted } from '../../log/redaction.ts';
import { isProxyCode, proxyFailure } from '../network/proxy-failure.ts';
import type { ProxySettings } from '../network/proxy-settings.ts';
import type { Outcome } from './sign-in-answer.ts';
import type { SignIn } from './sign-in-methods.ts';

/** The client's own time limit ended the wait. */
export const TIMED_OUT: Outcome = { kind: 'network', code: 'time-out' };

/** Secrets that no message may contain. */
export function secretsOf(signIn: SignIn): string[] {
  if (signIn.method === 'client-secret') return [signIn.clientSecret];
  return signIn.method === 'client-certificate' ? [signIn.certificatePassword ?? ''] : [];
}

/** @throws Failure for a file that cannot be read. The library's error would quote its name, which may be a secret. */
export async function checkFile(signIn: SignIn): Promise<void> {
  const [variable, path] =
    signIn.method === 'client-certificate'
      ? ['AZURE_CLIENT_CERTIFICATE_PATH', signIn.certificatePath]
      : signIn.method === 'workload-identity'
        ? ['AZURE_FEDERATED_TOKEN_FILE', signIn.tokenFilePath]
        : [];
  if (path === undefined) return;
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    throw new Failure({
      code: 'sign-in-failed',
      reaction: 'stop-table',
      message: `Signing in by ${signIn.method} failed: ${variable} names no file that can be read (${errorCode(error) ?? ''}).`,
      remedy: REMEDIES[signIn.method],
    });
  }
}

interface FailureContext {
  /** The proxy of the connection, for messages. */
  readonly proxy: ProxySettings | undefined;
  /** Secrets that no message may contain. */
  readonly secrets: readonly string[];
}

/**
 * The failure does not have the error as its cause, because errors of @azure/identity may quote the whole answer.
 */
export function signInFailure(
  signIn: SignIn,
  error: unknown,
  outcome: Outcome | undefined,
  { proxy, secrets }: FailureContext,
): Failure {
  if (error instanceof Failure) return error;
  const { method } = signIn;
  if (outcome?.kind === 'network' && isProxyCode(outcome.code) && proxy !== undefined) {
    return proxyFailure(outcome.code, withPort(outcome.host ?? ''), proxy);
  }
  const way = method === 'default' ? '' : ` by ${method}`;
  const message = `Signing in${way} failed: ${saidBy(method, outcome, error, secrets)}`;
  const details = { method, ...statusOf(outcome) };
  const passing = outcome?.kind === 'network' || outcome?.kind === 'foreign';
  return passing
    ? new Failure({ code: 'sign-in-unreachable', message, remedy: remedyOfTrouble(method), details })
    : new Failure({
        code: 'sign-in-failed',
        reaction: 'stop-table',
        message,
        remedy: outcome?.kind === 'refused' ? remedyOfRefusal(signIn, outcome.error) : REMEDIES[method],
        details,
      });
}

function withPort(host: string): string {
  return /:\d+$/.test(host) ? host : `${host}:443`;
}

/** These methods ask services of the machine, which may report a missing identity in any form. */
const ASKS_THE_MACHINE: ReadonlySet<SignIn['method']> = new Set(['default', 'managed-identity']);

function remedyOfTrouble(method: SignIn['method']): string {
  return ASKS_THE_MACHINE.has(method)
    ? REMEDIES[method]
    : 'Check that the identity endpoint (AZURE_AUTHORITY_HOST) can be reached from here, and that no proxy or sign-in page answers in its place.';
}

/** @param error code of RFC 6749, or of Entra ID: `invalid_resource` is a tenant without such an environment. */
function remedyOfRefusal(signIn: SignIn, error: string): string {
  const isAdfs = signIn.method === 'client-secret' && signIn.adfs !== undefined;
  if (isAdfs) return error === 'invalid_resource' ? ADFS_RESOURCE : ADFS_CLIENT;
  if (error !== 'invalid_resource') return REMEDIES[signIn.method];
  return 'Check dataverse.url (DATAVERSE_URL), and that AZURE_TENANT_ID is the tenant of the environment.';
}

const ADFS_RESOURCE =
  "Set `dataverse.resource` to the identifier that the environment's relying party trust has at AD FS.";
const ADFS_CLIENT =
  'Check AZURE_CLIENT_ID and AZURE_CLIENT_SECRET. AD FS needs an application group in which this client may use the environment.';

/** Names of classes in the messages of @azure/identity, with the colon behind them. They say nothing to a user. */
const CLASS_NAMES = /\b\w+(?:Credential|Error)\b(?: authentication failed)?[:.]?\s*/g;

function saidBy(
  method: SignIn['method'],
  outcome: Outcome | undefined,
  error: unknown,
  secrets: readonly string[],
): string {
  if (outcome?.kind === 'refused') {
    return UNUSED_CODE.has(outcome.error) ? 'nobody entered the code in time.' : outcome.message;
  }
  if (method === 'default') {
    return 'AZURE_CLIENT_ID and the variables beside it are not set, and neither a managed identity of this machine nor the Azure CLI gives a token.';
  }
  if (method === 'managed-identity') return 'this machine gives no token of a managed identity.';
  switch (outcome?.kind) {
    case 'foreign':
      return `${outcome.host ?? 'its endpoint'} answered ${outcome.status} with ${outcome.length} bytes that are no answer of an identity endpoint.`;
    case 'network':
      return unreached(outcome.code, outcome.host);
    default: {
      // The cause is on this machine: no Azure CLI, or a file that is not a certificate. The second sentence gives
      // instructions, which are the remedy's part.
      const [line = ''] = error instanceof Error ? error.message.split('\n') : [];
      const said = line.replaceAll(CLASS_NAMES, '').replace(/\. [\s\S]*$/, '.');
      return redacted(said, { secrets, names: COMMANDS });
    }
  }
}

/** Answers about a device code that was not entered (RFC 8628, 3.5). */
const UNUSED_CODE: ReadonlySet<string> = new Set(['authorization_pending', 'expired_token', 'slow_down']);

/** What may stand in quotation marks. */
const COMMANDS: ReadonlySet<string> = new Set(['az login']);

function unreached(code: string, host: string | undefined): string {
  if (host === undefined) return `its endpoint cannot be reached (${code}).`;
  return code === 'ENOTFOUND' || code === 'EAI_AGAIN'
    ? `the host name ${host} does not resolve (${code}).`
    : `${host} cannot be reached (${code}).`;
}

function statusOf(outcome: Outcome | undefined): { status?: number; network?: string } {
  if (outcome === undefined) return {};
  return outcome.kind === 'network' ? { network: outcome.code } : { status: outcome.status };
}

const REMEDIES: Record<SignIn['method'], string> = {
  'access-token': 'Put a current token into DATAVERSE_ACCESS_TOKEN.',
  'client-secret':
    'Check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (the secret value, not its id; it may have expired).',
  'client-certificate':
    'Check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_CERTIFICATE_PATH, and that the app registration has this certificate.',
  'workload-identity':
    'Check AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE and the federated credential of the app registration.',
  'managed-identity': 'Give this machine a managed identity, and set AZURE_CLIENT_ID if it has several.',
  'azure-cli': 'Run `az login`.',
  'device-code':
    'Run the command again, and enter the code within 15 minutes. If the tenant forbids this way, set AZURE_CLIENT_ID to a client of your own, or choose another way by MIRRORVERSE_AUTH.',
  browser:
    'Run the command again on a machine with a browser, or set MIRRORVERSE_AUTH=device-code. If the tenant forbids this way, set AZURE_CLIENT_ID to a client of your own with the redirect address http://localhost.',
  default:
    'Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or DATAVERSE_ACCESS_TOKEN, or choose a way by MIRRORVERSE_AUTH.',
};
