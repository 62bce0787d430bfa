import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Begins with the files that take longest, so that no worker is still busy with one while the others have none left. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // Without an earlier run, Vitest takes a larger file for a longer one.
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => turn(one.moduleId) - turn(other.moduleId));
  }
}

/** The two files of the random driver take a minute each, those without a server or a process a moment. */
function turn(path: string): number {
  if (path.includes('/random-driver')) return 0;
  return path.includes('/unit/') ? 2 : 1;
}
