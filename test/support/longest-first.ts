import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Begins with the files that take longest, so that no worker is still busy with one while the others have none left. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // Without an earlier run, Vitest takes a larger file for a longer one.
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => turn(one.moduleId) - turn(other.moduleId));
  }
}

/** Parts of the paths of short files that take a minute each. */
const LONG = ['/random-driver', '/whole-environment'];

/** Those that take a minute, then those with a server or a process, then those that take a moment. */
function turn(path: string): number {
  if (LONG.some((part) => path.includes(part))) return 0;
  return path.includes('/unit/') ? 2 : 1;
}
