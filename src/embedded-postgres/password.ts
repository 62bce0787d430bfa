import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import type { ClusterPaths } from './cluster-paths.ts';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';
import { giveTo, type ServerAccount } from './server-account.ts';

/** Makes a random password for a new cluster and keeps it beside the data directory. */
export async function createPassword(file: string, account: ServerAccount | undefined): Promise<void> {
  await rm(file, { force: true });
  await writeFile(file, randomBytes(18).toString('base64url'), { mode: 0o600, flag: 'wx' });
  // initdb reads it from here.
  await giveTo(account, file);
}

/** The password of an existing cluster. */
export async function readPassword(paths: ClusterPaths): Promise<string> {
  const password = await readFile(paths.password, 'utf8').catch((error: unknown) => {
    throw new EmbeddedPostgresError(
      `the password of the embedded PostgreSQL cannot be read from ${paths.password}`,
      `restore that file, or delete ${paths.data} to begin again`,
      { cause: error },
    );
  });
  return password.trim();
}
