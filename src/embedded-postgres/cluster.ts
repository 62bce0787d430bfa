import { dirname, resolve } from 'node:path';
import { Failure } from '../model/failure.ts';

/** The superuser of the bundled server, and the name of its database. */
export const CLUSTER_NAME = 'mirrorverse';

/** The files of one cluster: the data directory, and beside it the files that belong to it. */
export type ClusterPaths = ReturnType<typeof clusterPaths>;

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

/** The remedy that always works: a PostgreSQL server of the user's own. */
export const OWN_SERVER_REMEDY =
  'set DATABASE_URL (or postgres.url) to a PostgreSQL server of your own: postgres://user:password@host/database';

/** The failure of a bundled PostgreSQL that cannot run. */
export function unusable(reason: string, remedy: string, cause?: unknown): Failure {
  const message = `The bundled PostgreSQL cannot be used: ${reason}.`;
  return new Failure({ code: 'embedded-postgres', message, remedy, cause });
}
