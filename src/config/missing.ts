import type { ConfigProblem } from './config.ts';

/** A value that was refused already, or that stands under a mistyped key, is not reported as missing too. */
export function addMissing(
  problems: ConfigProblem[],
  key: string,
  remedy: string,
  message = 'is missing',
): void {
  if (problems.some((problem) => problem.key.includes(key) || problem.meant?.startsWith(key))) return;
  problems.push({ key, message: `${message}; ${remedy}`, isMissing: true });
}
