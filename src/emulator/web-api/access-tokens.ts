import { randomUUID } from 'node:crypto';
import { DataverseError } from './dataverse-error.ts';
import type { EmulatorSettings } from '../emulator-settings.ts';

/** Issues the access tokens of the token endpoint, and checks the tokens of requests. */
export class AccessTokens {
  readonly #issued = new Map<string, number>();
  /** Every token that was ever accepted, in the order of first use, so that a journal can name tokens by index. */
  readonly #known: string[] = [];

  /** Issues a token that looks like a JWT. It has no signature to verify. */
  issue(settings: EmulatorSettings, now: number, audience: string): string {
    const issuedAt = Math.floor(now / 1000);
    const header = encode({ typ: 'JWT', alg: 'none' });
    const payload = encode({
      aud: audience,
      tid: settings.tenantId,
      oid: settings.userId,
      iat: issuedAt,
      exp: issuedAt + settings.tokenLifetimeSeconds,
      uti: randomUUID(),
    });
    const token = `${header}.${payload}.emulated`;
    this.#issued.set(token, now + settings.tokenLifetimeSeconds * 1000);
    return token;
  }

  revokeAll(): void {
    this.#issued.clear();
  }

  /** Accepts a request, or throws the 401 whose challenge names the authority. */
  check(authorization: string | undefined, settings: EmulatorSettings, now: number, origin: string): void {
    const token = bearer(authorization);
    if (token !== undefined && this.#isGood(token, settings, now)) return;
    throw new DataverseError(401, '', 'HTTP Error 401 - Unauthorized: Access is denied', {
      'WWW-Authenticate': `Bearer authorization_uri=${origin}/${settings.tenantId}/oauth2/authorize, resource_id=${origin}/`,
    });
  }

  /** The index of a token among the tokens that were ever accepted, or null. */
  indexOf(authorization: string | undefined): number | null {
    const index = this.#known.indexOf(bearer(authorization) ?? '');
    return index < 0 ? null : index;
  }

  #isGood(token: string, settings: EmulatorSettings, now: number): boolean {
    const good = settings.bearerTokens.has(token) || (this.#issued.get(token) ?? 0) > now;
    if (good && !this.#known.includes(token)) this.#known.push(token);
    return good;
  }
}

function bearer(authorization: string | undefined): string | undefined {
  return /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
