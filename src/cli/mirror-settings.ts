import type { Config, TableConfig } from '../config/config.ts';
import { databaseToken } from './sign-in/database-token.ts';
import type { MirrorOptions } from '../mirror/mirror.ts';
import { hashKeyId } from '../mirror/quarantine/row-policy.ts';
import type { TableSettings } from '../sync/run/table-job.ts';

/** The options of the mirror in the database at `url`. */
export function mirrorOptions(config: Config, url: string): MirrorOptions {
  return {
    url,
    urlFile: config.postgres?.urlFile,
    schema: config.schema,
    stateSchema: config.stateSchema,
    // One connection for each table at work, and some for leases and the checkpoints of idle tables.
    connections: config.limits.tables + 4,
    leaseDuration: config.lease,
    tokens: databaseToken(config),
    rows: {
      ...config.quarantine,
      ...(config.hashKey === undefined ? {} : { hashKey: config.hashKey }),
    },
    sweep: config.sweep,
    ...(config.feed === undefined ? {} : { feed: config.feed }),
    ...(config.distribution === undefined ? {} : { isDistributed: true }),
    ...labelWishes(config),
  };
}

function labelWishes({ labels, compatibility, distribution }: Config): Pick<MirrorOptions, 'labels'> {
  if (labels === undefined) return {};
  const { language, schema: viewSchema } = labels;
  const { synapseLink, fivetran } = compatibility;
  return {
    labels: {
      ...(language === undefined ? {} : { language }),
      ...(viewSchema === undefined ? {} : { viewSchema }),
      ...(synapseLink === undefined ? {} : { synapseLink }),
      ...(fivetran === undefined ? {} : { fivetran }),
      ...(distribution === undefined ? {} : { isDistributed: true }),
    },
  };
}

/** The settings of a table, as its job needs them. */
export function tableSettings(config: Config, table: TableConfig): TableSettings {
  const { drift, limits, hashKey } = config;
  return {
    ...table,
    pageSize: limits.pageSize,
    drift,
    ...labelWishes(config),
    ...(hashKey === undefined ? {} : { hashKeyId: hashKeyId(hashKey) }),
  };
}
