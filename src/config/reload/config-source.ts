import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Config } from '../config.ts';
import { DEFAULT_FILE, type Variables } from '../file/file-settings.ts';
import { loadConfig, type Needs } from '../load.ts';

/** Where the configuration of a process comes from. It can be read again and again. */
export interface ConfigSource {
  /** The configuration file; undefined if variables alone say everything. */
  readonly file: () => string | undefined;
  /** The configuration as file, variables and secret files say it now. @throws ConfigError with every problem. */
  readonly load: () => Config;
  /** Tells one text of the file from another; undefined if there is no file, or if it cannot be read. */
  readonly digest: () => Promise<string | undefined>;
}

/**
 * @param named the file of the command line.
 * @param needs the parts of the configuration that the command needs.
 */
export function configSource(
  named: string | undefined,
  needs: Needs,
  environment: Variables = process.env,
): ConfigSource {
  const fromVariable = environment['MIRRORVERSE_CONFIG'] ?? '';
  const file = named ?? (fromVariable === '' ? DEFAULT_FILE : fromVariable);
  let wasThere = file !== DEFAULT_FILE;
  return {
    file: () => (wasThere || existsSync(file) ? file : undefined),
    load() {
      wasThere ||= existsSync(file);
      // A default file that was there and is gone is a mistake. Without it the tables of the file would leave.
      return loadConfig(named ?? (wasThere && fromVariable === '' ? file : undefined), needs, environment);
    },
    digest: async () =>
      readFile(file).then(
        (bytes) => createHash('sha256').update(bytes).digest('hex'),
        () => undefined,
      ),
  };
}
