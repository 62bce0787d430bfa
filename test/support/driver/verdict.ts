import type { RequestKind } from '../../../src/emulator/web-api/api-request.ts';
import type { RunResult } from '../../../src/sync/run/run-outcome.ts';
import { emptiedTables, journalLength } from '../mirror-journal.ts';
import { differences } from '../oracle.ts';
import { versionsThatWentDown } from '../version-journal.ts';
import { isMeant, quarantinedRows } from './driver-filters.ts';
import { IMPOSSIBLE, type PlantedDifferences } from './planted-differences.ts';
import { provenExactly } from './proof.ts';
import type { SimulatedProcess, Surroundings } from './simulated-process.ts';
import type { Source } from './source-changes.ts';

const DATA: ReadonlySet<RequestKind> = new Set(['baseline', 'delta', 'next', 'row', 'list']);

/** What is held against the promises. */
interface Judged {
  readonly surroundings: Surroundings;
  readonly source: Source;
  readonly process: SimulatedProcess;
  readonly planted: PlantedDifferences;
  /** How many passes it may take until the mirror is right. */
  readonly passes: number;
  /** Holds what a consumer made of the change log against the mirror, while nothing changes. */
  readonly compareLog: () => Promise<string[]>;
}

/**
 * Holds what a scenario left against the promises, once all trouble is over: after a pass or two the
 * mirror equals the source value by value, but for rows that cannot be stored, which are in
 * quarantine; those come when they have been mended; nothing is done after that; and no row ever went
 * back, no table was ever seen empty.
 *
 * Before that, a verification finds exactly the differences that were planted, and repairs them.
 *
 * @returns what is wrong, as text for a person.
 */
export async function verdict(judged: Judged): Promise<string[]> {
  const { surroundings, source, process, planted, passes, compareLog } = judged;
  const { database, tables } = surroundings;
  const problems: string[] = [];
  for (let left = passes; left > 1; left--) await process.pass();
  problems.push(...(await passedWithConsent(surroundings, source, process)));
  const proof = { surroundings, source, planted, method: 'values', repair: true } as const;
  // A walk that began earlier leaves rows to the next verification that are newer than its beginning.
  await database.query('DELETE FROM mirrorverse.verifications');
  for (const table of tables) problems.push(...(await provenExactly({ ...proof, process, table })));
  for (const table of tables) problems.push(...(await compared(surroundings, source, table)));
  problems.push(...(await compareLog()));

  if (tables.some((table) => source.poisoned(table).length > 0)) {
    for (const table of tables) source.mend(table);
    problems.push(...(await passed(process, 'the pass after mending')));
    // A row that was in quarantine may have a planted version, which keeps the mended row out.
    for (const table of tables) problems.push(...(await provenExactly({ ...proof, process, table })));
    for (const table of tables) problems.push(...(await compared(surroundings, source, table)));
    problems.push(...(await compareLog()));
  }

  const { requests } = surroundings.emulator;
  requests.clear();
  const before = await journalLength(database);
  problems.push(...(await passed(process, 'the idle pass')));
  const written = (await journalLength(database)) - before;
  if (written > 0) problems.push(`the idle pass wrote ${written} rows`);
  const asked = requests.entries.filter(({ kind }) => DATA.has(kind)).length;
  if (asked > tables.length) problems.push(`the idle pass of ${tables.length} tables took ${asked} requests`);

  const back = (await versionsThatWentDown(database)).filter(
    ({ key, before: from }) => BigInt(from) !== IMPOSSIBLE && !planted.lowered.has(key),
  );
  if (back.length > 0) problems.push(`versions went down: ${JSON.stringify(back)}`);
  for (const { table, how } of await emptiedTables(database)) {
    if (!source.emptied.has(table)) problems.push(`${table} was empty after ${how}`);
  }
  const leased = await database.query(
    `SELECT "table" FROM mirrorverse.tables WHERE lease_holder IS NOT NULL`,
  );
  if (leased.length > 0) problems.push(`leases were not given back: ${JSON.stringify(leased)}`);
  return problems;
}

/**
 * A pass; and another one with somebody's word, where a sweep of a table that was emptied waits for it, or
 * rows that were marked deleted before deletes became hard.
 */
async function passedWithConsent(
  { database }: Surroundings,
  source: Source,
  process: SimulatedProcess,
): Promise<string[]> {
  const results = (await process.pass()) ?? [];
  const codes = results.flatMap(({ table, failure }) =>
    failure?.code === 'sweep-refused' && !source.emptied.has(table) ? [] : [failure?.code],
  );
  const isWaiting = codes.includes('sweep-refused') || codes.includes('erasure-refused');
  if (!isWaiting) return failuresOf(results, 'the last pass');
  await database.query('UPDATE mirrorverse.tables SET sweep_allowed = true WHERE unseen_rows IS NOT NULL');
  await database.query('UPDATE mirrorverse.tables SET erasure_allowed = true WHERE marked_rows IS NOT NULL');
  return passed(process, 'the pass after a yes');
}

async function passed(process: SimulatedProcess, name: string): Promise<string[]> {
  return failuresOf((await process.pass()) ?? [], name);
}

function failuresOf(results: readonly RunResult[], name: string): string[] {
  return results.flatMap(({ table, failure }) =>
    failure === null ? [] : [`${name}: ${table}: ${failure.code}: ${failure.message}`],
  );
}

/** Differences of a table that are not explained by quarantine, and quarantine that nothing explains. */
async function compared(
  { emulator, database, filters }: Surroundings,
  source: Source,
  table: string,
): Promise<string[]> {
  const bad = quarantinedRows(filters, source, table);
  const found = await differences(emulator.store, database, table, isMeant(filters, table));
  const unexplained = found.filter((text) => !bad.has(text.slice(0, 36))).slice(0, 5);
  const rows = await database.query<{ key: string }>(
    `SELECT key FROM mirrorverse.quarantine WHERE "table" = $1`,
    [table],
  );
  const kept = new Set(rows.map(({ key }) => key));
  const missing = [...bad].filter((id) => !kept.has(id)).map((id) => `${id} is not in quarantine`);
  const left = [...kept].filter((id) => !bad.has(id)).map((id) => `${id} is still in quarantine`);
  return [...unexplained, ...missing, ...left].map((text) => `${table}: ${text}`);
}
