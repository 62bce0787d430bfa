import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface LockedPackage {
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
}

/**
 * Bytes of the packages that `npm ci --omit=dev --omit=optional` installs, as `du --apparent-size` counts them.
 *
 * @param root folder of package-lock.json, with all packages installed.
 */
export function productionSize(root: string): number {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, LockedPackage>>;
  };
  return Object.entries(packages)
    .filter(([path, { dev, optional, devOptional }]) => path !== '' && !dev && !optional && !devOptional)
    .reduce((sum, [path]) => sum + sizeOf(join(root, path)), 0);
}

/** Bytes of a folder with all that is in it. Packages inside of it have entries of their own in the lock. */
function sizeOf(path: string): number {
  const stats = lstatSync(path);
  if (!stats.isDirectory()) return stats.size;
  const names = readdirSync(path).filter((name) => name !== 'node_modules');
  return names.reduce((sum, name) => sum + sizeOf(join(path, name)), stats.size);
}
