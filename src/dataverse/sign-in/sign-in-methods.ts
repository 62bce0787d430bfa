/** How to sign in. The configuration has checked that each method has what it needs. */
export type SignIn =
  | {
      readonly method: 'access-token';
      readonly token: string;
      /** The file of the token. It is read again from time to time, because the token may have been renewed. */
      readonly tokenFile?: string;
    }
  | {
      readonly method: 'client-secret';
      readonly tenantId: string;
      readonly clientId: string;
      readonly clientSecret: string;
      /** The file of the secret. It is read again before each new token, because the secret may have been replaced. */
      readonly secretFile?: string;
      readonly authorityHost?: string;
      /** AD FS in place of Entra ID: its token address, and what the environment is called there. */
      readonly adfs?: { readonly tokenUrl: string; readonly resource?: string };
    }
  | {
      readonly method: 'client-certificate';
      readonly tenantId: string;
      readonly clientId: string;
      readonly certificatePath: string;
      readonly certificatePassword?: string;
      /** The file of the password, which is read again as that of a client secret. */
      readonly passwordFile?: string;
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
  | {
      /** A person signs in: with a code in any browser, or in a browser of this machine. */
      readonly method: 'device-code' | 'browser';
      readonly tenantId: string;
      readonly clientId: string;
      readonly authorityHost?: string;
    }
  | { readonly method: 'default'; readonly authorityHost?: string };

export type IdentitySignIn = Exclude<SignIn, { method: 'access-token' }>;

/** Whether a person signs in. The sign-in lives in memory, and ends with the process. */
export function isByPerson({ method }: SignIn): boolean {
  return method === 'device-code' || method === 'browser';
}
