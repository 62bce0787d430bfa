import { readableNumber, readableSpan } from '../../model/readable-figures.ts';
import {
  proofNotes,
  proofResult,
  proofSentence,
  type TableProof,
} from '../../operations/proof/table-proof.ts';
import { fittedTable } from '../output.ts';
import { linesOf, type Screen } from './screen.ts';

export interface ProofTextOptions extends Pick<Screen, 'width' | 'paint'> {
  /** Where the report is; undefined without one. */
  readonly report: string | undefined;
  /** The differences were to be repaired. */
  readonly repairs: boolean;
}

/** Differences of a table that are listed. Report and JSON have more. */
const LISTED = 10;
/** Characters of the longest kind. */
const KIND = 'missing'.length;

const COMPARED = {
  sweep: 'Compared: key and version of every row. --values compares every value too.',
  values: 'Compared: every value of every row.',
} as const;

/** The lines of `verify` for people: first the whole, then each table, then what differs. */
export function proofLines(proofs: readonly TableProof[], options: ProofTextOptions): string[] {
  const { width, paint, report } = options;
  const method = (proofs.find(({ hasVersions }) => hasVersions) ?? proofs[0])?.method;
  const isLeft = proofs.some(({ open }) => open > 0);
  const isAllListed = proofs.every(({ total }) => total <= LISTED);
  const ends = [
    ...(isAllListed || report !== undefined
      ? []
      : ['`--report FILE` writes a page with all differences; `--json` lists 1,000 of each table.']),
    ...(isLeft && !options.repairs ? ['`--repair` makes these rows equal to the source.'] : []),
    ...(report === undefined ? [] : [`Report: ${report}`]),
  ];
  return [
    ...linesOf(proofSentence(proofs), width).map((line) => paint('bold', line)),
    ...(method === undefined ? [] : linesOf(COMPARED[method], width)),
    ...(proofs.length === 0 ? [] : ['', ...tableLines(proofs)]),
    ...proofs.flatMap((proof) => details(proof, options)),
    ...(ends.length === 0 ? [] : ['', ...ends.flatMap((line) => linesOf(line, width))]),
  ];
}

function tableLines(proofs: readonly TableProof[]): string[] {
  const cells = proofs.map((proof) => [
    proof.table,
    proofResult(proof),
    readableNumber(proof.rows),
    readableNumber(proof.requests),
    took(proof.milliseconds),
    proof.throughVersion ?? '',
  ]);
  const headings = ['table', 'result', 'rows', 'requests', 'time', 'through version'];
  return fittedTable(headings, cells, { numbers: [2, 3, 4], wraps: 1 });
}

function took(milliseconds: number): string {
  return milliseconds < 10_000
    ? `${(milliseconds / 1_000).toFixed(1)} s`
    : readableSpan(milliseconds / 1_000);
}

/** The lines about one table, below its name. A table that equals its source has none. */
function details(proof: TableProof, { width, paint }: ProofTextOptions): string[] {
  const { table, differences, total, error } = proof;
  const notes = proofNotes(proof);
  if (notes.length === 0 && total === 0) return [];
  const listed = differences.slice(0, LISTED);
  const lines = [
    ...notes
      .flatMap((note) => linesOf(note, width - 2))
      .map((line) => (error === null ? line : paint('red', line))),
    ...listed.flatMap((difference) => differenceLines(difference, width - 2)),
    ...(total > listed.length ? [`and ${readableNumber(total - listed.length)} more`] : []),
  ];
  return ['', ...linesOf(`${table}: ${proofResult(proof)}`, width), ...lines.map((line) => `  ${line}`)];
}

function differenceLines(
  { kind, key, columns, repaired }: TableProof['differences'][number],
  width: number,
): string[] {
  const where = columns.length === 0 ? '' : `: ${columns.join(', ')}`;
  const [first = '', ...more] = linesOf(`${key}${where}${repaired ? ' (repaired)' : ''}`, width - KIND - 2);
  const indent = ' '.repeat(KIND + 2);
  return [`${kind.padEnd(KIND)}  ${first}`, ...more.map((line) => indent + line)];
}
