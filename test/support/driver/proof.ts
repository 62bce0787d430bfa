import type { RecordedDifference, VerifyMethod } from '../../../src/mirror/verify/verify-records.ts';
import { differences } from '../oracle.ts';
import { isMeant, quarantinedRows } from './driver-filters.ts';
import type { PlantedDifferences } from './planted-differences.ts';
import type { SimulatedProcess, Surroundings, Verification } from './simulated-process.ts';
import type { Source } from './source-changes.ts';

/** What a verification is held against. */
export interface Proof {
  readonly surroundings: Surroundings;
  readonly source: Source;
  readonly planted: PlantedDifferences;
  readonly table: string;
  readonly method: VerifyMethod;
  readonly repair: boolean;
}

/**
 * Verifies a table while nothing else happens.
 *
 * @returns what is wrong, as text for a person: a failure, a difference that is not there, one that was not found, or one
 *   that is left although it was to be repaired.
 */
export async function provenExactly(
  proof: Proof & { readonly process: SimulatedProcess },
): Promise<string[]> {
  const { process, table, method, repair } = proof;
  const verification = await process.verify(table, method, repair);
  if (verification === null) return [`${table} was not verified`];
  const { failure } = verification;
  if (failure !== null) return [`${table} could not be verified: ${failure.code}: ${failure.message}`];
  return [...(await falseAlarms(proof, verification)), ...(await heldAgainstTruth(proof, verification))];
}

/** Differences of rows that nobody touched in the mirror. They are wrong whatever happened meanwhile. */
export async function falseAlarms(
  { planted, table, surroundings: { emulator, database, filters } }: Proof,
  verification: Verification,
): Promise<string[]> {
  const before = planted.of(table);
  const wrong = verification.differences.filter(({ key }) => !before.has(key));
  const actual = await differences(emulator.store, database, table, isMeant(filters, table));
  planted.keepOnly(table, new Set(actual.map(keyOf)));
  return wrong.map((difference) => `${table}: false alarm: ${JSON.stringify(difference)}`);
}

/** What a verification found, and what it left, against the rows themselves, while nothing changes. */
async function heldAgainstTruth(
  { surroundings: { emulator, database, filters }, source, table, method, repair }: Proof,
  { differences: found, unsettled }: Verification,
): Promise<string[]> {
  const problems =
    unsettled === 0 ? [] : [`${table}: ${unsettled} rows are unsettled although nothing changes`];
  const bad = quarantinedRows(filters, source, table);
  const all = await differences(emulator.store, database, table, isMeant(filters, table));
  const actual = all.filter((text) => !bad.has(keyOf(text)));
  const open = found.filter(({ repaired, key }) => !repaired && !bad.has(key));
  if (repair) {
    if (method === 'values') problems.push(...actual.map((text) => `${table}: not repaired: ${text}`));
    return [...problems, ...open.map((each) => `${table}: left open: ${JSON.stringify(each)}`)];
  }
  const expected = expectedDifferences(actual, method);
  // A sweep compares no values, and keeps what an earlier comparison of values has found.
  const isKept = ({ kind }: RecordedDifference): boolean => method === 'sweep' && kind === 'values';
  const differing = new Set(actual.map(keyOf));
  for (const each of open.filter(isKept)) {
    if (!differing.has(keyOf(each.key))) problems.push(`${table}: no longer so: ${JSON.stringify(each)}`);
  }
  const told = new Set(open.filter((each) => !isKept(each)).map(asText));
  for (const text of expected) if (!told.has(text)) problems.push(`${table}: not found: ${text}`);
  for (const text of told) if (!expected.has(text)) problems.push(`${table}: not so: ${text}`);
  return problems;
}

function asText({ key, kind, columns }: RecordedDifference): string {
  return [key, kind, ...columns.toSorted()].join(' ');
}

function keyOf(text: string): string {
  return text.slice(0, 36);
}

/** The differences of the oracle, as a verification is to tell them. */
function expectedDifferences(actual: readonly string[], method: VerifyMethod): Set<string> {
  const columns = new Map<string, string[]>();
  const found = new Set<string>();
  for (const text of actual) {
    const key = keyOf(text);
    if (text.endsWith('is missing')) found.add(`${key} missing`);
    else if (text.endsWith('should not be there')) found.add(`${key} extra`);
    else columns.set(key, [...(columns.get(key) ?? []), text.slice(37, text.indexOf(':'))]);
  }
  for (const [key, names] of columns) {
    if (names.includes('versionnumber')) found.add(`${key} stale`);
    else if (method === 'values') found.add([key, 'values', ...names.toSorted()].join(' '));
  }
  return found;
}
