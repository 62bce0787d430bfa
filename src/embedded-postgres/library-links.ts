import { readFile, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { PostgresBinaries } from './binaries.ts';

interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * Creates the shared-library links that the package's install script would have made; npm does not run
 * it under `--ignore-scripts`. Links that exist, and a package that cannot be written, are left alone:
 * the programs say themselves what they miss.
 */
export async function makeLibraryLinks(binaries: PostgresBinaries): Promise<void> {
  const native = dirname(dirname(binaries.postgres));
  const listed = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links: unknown = JSON.parse(listed);
  if (!Array.isArray(links)) return;
  for (const link of links) {
    if (!isLink(link)) continue;
    // The list names its files from the package's root, one above native/.
    const path = join(dirname(native), link.target);
    await symlink(relative(dirname(link.target), link.source), path).catch(() => undefined);
  }
}

function isLink(value: unknown): value is Link {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'source') === 'string' &&
    typeof Reflect.get(value, 'target') === 'string'
  );
}
