import type { ConfigProblem } from './config.ts';

/** A value that was refused already is not reported as missing too. */
export function addMissing(problems: ConfigProblem[], key: string, remedy: string): void {
  if (problems.some((problem) => problem.key.includes(key))) return;
  problems.push({ key, message: `is missing; ${remedy}` });
}
