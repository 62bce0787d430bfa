import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where Debian keeps what is no command of a user's. */
const BESIDE_THE_PATH = ['/usr/sbin', '/usr/local/sbin'];

/**
 * The path of a program that some tests need, which not every machine has. They are skipped where it is
 * undefined.
 *
 * @throws Error where it is missing and `MIRRORVERSE_TEST_REQUIRE` says that all must be there.
 */
export function neededProgram(name: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), ...BESIDE_THE_PATH];
  const path = directories.map((directory) => join(directory, name)).find(isExecutable);
  if (path === undefined && process.env['MIRRORVERSE_TEST_REQUIRE'] === 'all') {
    throw new Error(`${name} is not installed, and MIRRORVERSE_TEST_REQUIRE=all asks for it`);
  }
  return path;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
