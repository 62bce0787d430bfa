import type { VerifyMethod } from '../../mirror/verify/verify-records.ts';
import type { FailureSummary } from '../../model/failure.ts';
import { readableCount, readableNumber } from '../../model/readable-figures.ts';

/** An entry of the document of `verify --json`. Members may be added; these stay. */
export interface TableProof {
  readonly table: string;
  readonly method: VerifyMethod;
  /** Whether the rows have versions to compare. */
  readonly hasVersions: boolean;
  /** As text, because a JavaScript number would round it. */
  readonly throughVersion: string | null;
  /** Rows that the source had. */
  readonly rows: number;
  /** Requests of the comparison, without the deltas between its looks. */
  readonly requests: number;
  readonly milliseconds: number;
  /** The first ones by key. */
  readonly differences: readonly {
    readonly key: string;
    readonly kind: string;
    readonly columns: readonly string[];
    readonly repaired: boolean;
  }[];
  /** All differences that were found. */
  readonly total: number;
  /** Differences that are left. */
  readonly open: number;
  /** Extra rows that a repair left, because a sweep would ask before it deletes so many. */
  readonly waiting: number;
  /** Rows that changed at each look, so that nothing is proven of them. */
  readonly unsettled: number;
  readonly error: FailureSummary | null;
}

/** Whether no difference is left, and every table could be verified. */
export function isProven(proofs: readonly TableProof[]): boolean {
  return proofs.every(({ error, open }) => error === null && open === 0);
}

/** The whole in one sentence: `8 tables equal their source; 1 has 3 differences.` */
export function proofSentence(proofs: readonly TableProof[]): string {
  const verified = proofs.filter(({ error }) => error === null);
  const repaired = verified.filter(({ open, total }) => open === 0 && total > 0);
  const different = verified.filter(({ open }) => open > 0);
  const failed = proofs.filter(({ error }) => error !== null);
  const paused = failed.filter(isPaused).length;
  const found = readableCount(sum(repaired.map(({ total }) => total)), 'difference');
  const left = readableCount(sum(different.map(({ open }) => open)), 'difference');
  const groups: [count: number, one: string, many: string][] = [
    [verified.length - repaired.length - different.length, 'equals its source', 'equal their source'],
    [repaired.length, `had ${found}, repaired`, `had ${found}, repaired`],
    [different.length, `has ${left}`, `have ${left}`],
    [paused, 'is paused', 'are paused'],
    [failed.length - paused, 'could not be verified', 'could not be verified'],
  ];
  const said = groups.filter(([count]) => count > 0);
  if (said.length === 0) return 'No table was verified.';
  const parts = said.map(([count, one, many], at) => {
    const subject = at === 0 ? readableCount(count, 'table') : readableNumber(count);
    return `${subject} ${count === 1 ? one : many}`;
  });
  return `${parts.join('; ')}.`;
}

/** The result of one table in a few words. */
export function proofResult(proof: TableProof): string {
  const { error, total, open } = proof;
  if (error !== null) return isPaused(proof) ? 'paused' : 'failed';
  if (total === 0) return 'equal';
  if (open === total) return readableCount(total, 'difference');
  if (open === 0) return `${readableNumber(total)} repaired`;
  return `${readableNumber(total - open)} of ${readableNumber(total)} repaired`;
}

/** What must be said of a table beside its result and its differences. */
export function proofNotes(proof: TableProof): string[] {
  const { table, error, hasVersions, unsettled, waiting } = proof;
  const notes: string[] = [];
  if (!hasVersions) {
    notes.push('Its rows have no versions that can be compared, so every value of every row was compared.');
  }
  if (error !== null) notes.push(`${error.code}: ${error.message} ${error.remedy}`);
  if (unsettled > 0) {
    const rows = unsettled === 1 ? '1 row' : `${readableNumber(unsettled)} rows`;
    notes.push(
      `${rows} changed at every look, so nothing is proven of ${unsettled === 1 ? 'it' : 'them'} yet. ${unsettled === 1 ? 'It is' : 'They are'} no difference; the next verification looks again.`,
    );
  }
  if (waiting > 0) {
    notes.push(
      `${readableCount(waiting, 'extra row')} stay, because a sweep would ask before it deletes so many. \`mirrorverse verify ${table} --repair --yes\` deletes them.`,
    );
  }
  return notes;
}

function isPaused({ error }: TableProof): boolean {
  return error?.code === 'table-paused';
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
