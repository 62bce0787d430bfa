import { access, constants } from 'node:fs/promises';
import { errorCode } from '../../model/error-description.ts';
import { Failure } from '../../model/failure.ts';
import { redacted } from '../../log/redaction.ts';
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

/** The failure does not have the error as its cause, because errors of @azure/identity may quote the whole answer. */
export function signInFailure(signIn: SignIn, error: unknown, outcome: Outcome | undefined): Failure {
  if (error instanceof Failure) return error;
  const { method } = signIn;
  const message = `Signing in by ${method} failed: ${saidBy(outcome, error, secretsOf(signIn))}`;
  const details = { method, ...statusOf(outcome) };
  const passing = outcome?.kind === 'network' || outcome?.kind === 'foreign';
  return passing
    ? new Failure({ code: 'sign-in-unreachable', message, remedy: remedyOfTrouble(method), details })
    : new Failure({
        code: 'sign-in-failed',
        reaction: 'stop-table',
        message,
        remedy: REMEDIES[method],
        details,
      });
}

function remedyOfTrouble(method: SignIn['method']): string {
  const remedy =
    'Check that the identity endpoint (AZURE_AUTHORITY_HOST) can be reached from here, and that no proxy or sign-in page answers in its place.';
  // These methods ask services of the machine, which may report a missing identity in any form.
  return method === 'managed-identity' || method === 'default' ? `${remedy} ${REMEDIES[method]}` : remedy;
}

function saidBy(outcome: Outcome | undefined, error: unknown, secrets: readonly string[]): string {
  switch (outcome?.kind) {
    case 'refused':
      return outcome.message;
    case 'foreign':
      return `its endpoint answered ${outcome.status} with ${outcome.length} bytes that are no answer of an identity endpoint.`;
    case 'network':
      return `its endpoint cannot be reached (${outcome.code}).`;
    default: {
      // The cause is on this machine: no Azure CLI, or a file that is not a certificate.
      const [said = ''] = error instanceof Error ? error.message.split('\n') : [];
      return redacted(said, { secrets });
    }
  }
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
  default:
    'Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or DATAVERSE_ACCESS_TOKEN, or choose a way by MIRRORVERSE_AUTH.',
};
