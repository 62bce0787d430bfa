import { dirname, resolve } from 'node:path';

/** The files of one embedded cluster: the data directory and what lies beside it. */
export interface ClusterPaths {
  readonly parent: string;
  readonly data: string;
  readonly password: string;
  readonly configuration: string;
  readonly log: string;
  readonly lock: string;
}

/** The paths of the cluster with this data directory. */
export function clusterPaths(directory: string): ClusterPaths {
  const data = resolve(directory);
  return {
    parent: dirname(data),
    data,
    password: `${data}.password`,
    configuration: `${data}.conf`,
    log: `${data}.log`,
    lock: `${data}.lock`,
  };
}
