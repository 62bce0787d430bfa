import { readableTime } from '../../model/readable-figures.ts';
import { isLoopback } from '../../model/loopback.ts';
import { isRecord } from '../http/api-error.ts';

/** Why a token was refused, and what to do about it. */
export interface TokenTrouble {
  readonly message: string;
  readonly remedy: string;
}

/**
 * Why the environment refused a ready token. The token's own claims tell most often (RFC 7519, 4.1); of them only a
 * time and an address are shown.
 *
 * @param variable that gave the token.
 * @param now milliseconds since 1970.
 */
export function tokenTrouble(token: string, variable: string, origin: string, now: number): TokenTrouble {
  const claims = claimsOf(token);
  const subject = `The access token of ${variable}`;
  const { exp, aud } = claims ?? {};
  if (typeof exp === 'number' && exp * 1_000 <= now) {
    return {
      message: `${subject} ended at ${isoTime(exp)}.`,
      remedy: `Put a current token into ${variable}, or choose another way to sign in (MIRRORVERSE_AUTH) that gets new tokens by itself.`,
    };
  }
  const audience =
    typeof aud === 'string' && /^https:/i.test(aud) && URL.canParse(aud) ? new URL(aud) : undefined;
  if (audience !== undefined && audience.origin !== new URL(origin).origin) {
    return {
      message: `${subject} is for ${audience.origin}, not for ${origin}.`,
      remedy: `Get a token for ${origin}, or correct dataverse.url (DATAVERSE_URL).`,
    };
  }
  return {
    message:
      claims === undefined
        ? `The environment does not accept the access token of ${variable}; it is no token of Entra ID.`
        : `The environment does not accept the access token of ${variable}.`,
    remedy: isLoopback(new URL(origin).hostname)
      ? emulatorToken(origin, variable)
      : `Put a current token for ${origin} into ${variable}. Its user must be a user of the environment.`,
  };
}

/** What a person does who has nobody to sign in as at an address of this machine. */
export function emulatorToken(origin: string, variable: string): string {
  return `If \`mirrorverse emulator\` answers at ${origin}, put the token that it prints at its start into ${variable}.`;
}

function isoTime(seconds: number): string {
  const time = new Date(seconds * 1_000);
  return Number.isNaN(time.getTime()) ? 'an unknown time' : readableTime(time);
}

function claimsOf(token: string): Record<string, unknown> | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return isRecord(claims) ? claims : undefined;
  } catch {
    return undefined;
  }
}
