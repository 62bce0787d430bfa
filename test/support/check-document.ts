import { expect } from 'vitest';
import type { CommandLine, Environment } from './command-line.ts';

export interface Finding {
  readonly id: string;
  readonly ok: boolean;
  readonly subject: string;
  readonly message: string;
  readonly remedy: string | null;
  readonly code?: string;
}

export interface Check {
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

/** What `check --json` prints. */
export async function runCheck(
  cli: CommandLine,
  environment: Environment = {},
): Promise<Check & { readonly milliseconds: number }> {
  const { status, document, milliseconds } = await cli.json(['check'], environment);
  const check = document as Check;
  expect(status).toBe(check.ok ? 0 : 1);
  expect(check.ok).toBe(check.findings.every((finding) => finding.ok));
  return { ...check, milliseconds };
}

/** The only finding that failed, as it must look. */
export function failedFinding(check: Check, id: string): Finding {
  const failed = check.findings.filter((finding) => !finding.ok);
  expect(failed.map((finding) => finding.id)).toEqual([id]);
  return failed[0] as Finding;
}
