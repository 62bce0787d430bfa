import { chown } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Failure } from '../model/failure.ts';
import type { PostgresBinaries } from './binaries.ts';
import type { ServerSettings } from './configuration.ts';
import type { ServerAccount } from './server-account.ts';

/** The superuser of the bundled server, and the name of its database. */
export const CLUSTER_NAME = 'mirrorverse';

/** The files of one cluster: the data directory, and beside it the files that belong to it. */
export type ClusterPaths = ReturnType<typeof clusterPaths>;

/** Everything that the programs of one cluster need. */
export interface Cluster {
  readonly paths: ClusterPaths;
  readonly binaries: PostgresBinaries;
  readonly account: ServerAccount | undefined;
  readonly settings: ServerSettings;
}

export function clusterPaths(directory: string) {
  const data = resolve(directory);
  const beside = (ending: string): string => `${data}.${ending}`;
  return {
    parent: dirname(data),
    data,
    password: beside('password'),
    configuration: beside('conf'),
    log: beside('log'),
  } as const;
}

/** Gives a file to the server's user, if that is not ours. */
export async function giveTo(account: ServerAccount | undefined, path: string): Promise<void> {
  if (account !== undefined) await chown(path, account.uid, account.gid);
}

/** The remedy that always works: a PostgreSQL server of the user's own. */
export const OWN_SERVER_REMEDY =
  'set DATABASE_URL (or postgres.url) to a PostgreSQL server of your own: postgres://user:password@host/database';

/** The failure of a bundled PostgreSQL that cannot run. */
export function unusable(reason: string, remedy: string, cause?: unknown): Failure {
  const message = `The bundled PostgreSQL cannot be used: ${reason}.`;
  return new Failure({ code: 'embedded-postgres', message, remedy, cause });
}
