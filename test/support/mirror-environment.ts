import type { Environment } from './command-line.ts';

/** The environment of a command that mirrors tables of an emulator into a database. */
export function mirrorEnvironment(
  bench: { readonly url: string; readonly database: { readonly url: string } },
  tables: readonly string[],
  more: Environment = {},
): Environment {
  return {
    DATAVERSE_URL: bench.url,
    DATAVERSE_ACCESS_TOKEN: 'emulator-token',
    DATABASE_URL: bench.database.url,
    MIRRORVERSE_TABLES: tables.join(','),
    ...more,
  };
}
