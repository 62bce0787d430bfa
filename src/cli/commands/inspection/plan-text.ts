import { readableNumber, readableSpan } from '../../../model/readable-figures.ts';
import type { PlannedFilter, TablePlan } from '../../../operations/table-plan.ts';
import type { VerificationCost } from '../../../operations/verification-cost.ts';
import { counted, wrapped } from '../../output.ts';

/** Changes of a table that are listed one by one. A solution may bring hundreds. */
const LISTED = 8;

/** What stands before a change for each policy. The changes that need somebody come first. */
const VERDICTS = { refuse: 'refused: ', ask: 'waits for a yes: ', apply: '' } as const;
type Policy = keyof typeof VERDICTS;
const POLICIES = Object.keys(VERDICTS) as Policy[];

const HISTORY = {
  begin: 'begin the history, with a record of each row',
  end: 'end the history; the records that are there stay',
};

/**
 * The plan as a person reads it: one line for a small table that only has its changes read, and what happens to each
 * other table.
 */
export function planText(plans: readonly TablePlan[], options: PlanTextOptions): string[] {
  return [...plans.flatMap((plan) => tableText(plan, options)), ...summaryText(plans, options)];
}

export interface PlanTextOptions {
  /** With the statements. */
  readonly sql: boolean;
  /** What the daemon's verification costs; null if nothing is said of it. */
  readonly verify?: VerificationCost | null;
}

function tableText(plan: TablePlan, { sql, verify = null }: PlanTextOptions): string[] {
  const statements = sql ? statementsOf(plan).map((text) => `  ${text.replaceAll('\n', '\n  ')};`) : [];
  return [
    ...indented(`${plan.table}: ${work(plan)}`, ''),
    ...(verify === null ? [] : verifyText(plan, verify)),
    ...points(plan),
    ...statements,
  ];
}

/** Indexes are changed after the rows are loaded. */
function statementsOf({ statements, indexes }: TablePlan): string[] {
  return [...statements, ...indexes.flatMap((index) => index.statements)];
}

/** The lines of a text. All but the first one are indented further. */
function indented(text: string, indent: string): string[] {
  const [first = '', ...more] = wrapped(text, { indent: indent.length + 2 });
  return [indent + first, ...more.map((line) => `${indent}  ${line}`)];
}

function work({
  create,
  changes,
  statements,
  indexes,
  kind,
  load,
  rows,
  requests,
  error,
}: TablePlan): string {
  if (error !== null) return 'cannot be mirrored as it is';
  const cost = requests === null ? 'rows not counted' : counted(requests, 'request');
  // A standard table needs no word.
  const parts: string[] = kind === 'elastic' || kind === 'virtual' ? [`${kind} table`] : [];
  if (create !== null) parts.push(`create the table with ${counted(create.columns, 'column')}`);
  else if (changes.length > 0) parts.push(counted(changes.length, 'change'));
  else if (statements.length > 0) parts.push(counted(statements.length, 'statement'));
  for (const act of ['make', 'drop'] as const) {
    const count = indexes.filter((index) => index.kind === act).length;
    if (count > 0) parts.push(`${act} ${count} ${count === 1 ? 'index' : 'indexes'} on lookups`);
  }
  if (load === null) return [...parts, 'changes only', cost].join(', ');
  const loading = load === 'rebaseline' ? 're-baseline' : load;
  return [...parts, `${loading}${rows === null ? '' : ` of about ${counted(rows, 'row')}`}`, cost].join(', ');
}

/** Nothing of a table that is verified by one request. Most tables are so small. */
function verifyText({ verify }: TablePlan, { sweepsForValues }: VerificationCost): string[] {
  if (verify === null || (verify.sweep <= 1 && verify.values <= 1)) return [];
  const spread =
    sweepsForValues === null || sweepsForValues === 1 ? '' : ` over ${counted(sweepsForValues, 'sweep')}`;
  const values = `${readableNumber(verify.values)} for all values${spread}`;
  return indented(`verification: ${counted(verify.sweep, 'request')} a sweep, ${values}`, '  ');
}

/** What happens to a table beside the reading of its rows. */
function points(plan: TablePlan): string[] {
  const { create, changes, history, feed, filter, move, sweep, marked, error } = plan;
  const all: { policy: Policy; text: string }[] = changes.map(({ policy, description }) => ({
    policy,
    text: description,
  }));
  if (filter !== null) all.push({ policy: 'apply', text: filterText(filter) });
  if (feed !== null) all.push({ policy: 'apply', text: feedText(feed, create === null) });
  if (move !== null) all.push({ policy: 'apply', text: moveText(move) });
  if (history !== null) all.push({ policy: 'apply', text: HISTORY[history] });
  if (sweep !== null) {
    const rows = `${sweep.unseen.toLocaleString('en-US')} of ${counted(sweep.rows, 'row')}`;
    const text = `delete ${rows} that the last re-baseline did not see`;
    all.push({ policy: sweep.allowed ? 'apply' : 'ask', text });
  }
  if (marked !== null) {
    const rows = `${marked.marked.toLocaleString('en-US')} of ${counted(marked.rows, 'row')}`;
    all.push({ policy: marked.allowed ? 'apply' : 'ask', text: `delete ${rows} that are marked deleted` });
  }
  const sorted = POLICIES.flatMap((policy) => all.filter((point) => point.policy === policy));
  const lines = sorted
    .slice(0, LISTED)
    .flatMap(({ policy, text }) => indented(VERDICTS[policy] + text, '  '));
  if (sorted.length > LISTED) lines.push(`  and ${sorted.length - LISTED} more (--json has all of them)`);
  if (error !== null) lines.push(...indented(`${error.code}: ${error.message} ${error.remedy}`, '  '));
  return lines;
}

function filterText({ rows, changed, leaving }: PlannedFilter): string {
  if (rows === null) return 'end the filter of rows: the rows that it kept out come in';
  if (!changed) return 'mirror the rows that match its filter; the environment counts all rows';
  const left = leaving === null ? 'rows that do not match' : counted(leaving, 'row');
  return `change the filter of rows: ${left} of the mirror will leave it, and others that match come in`;
}

function moveText({ from, to, blockers }: NonNullable<TablePlan['move']>): string {
  const move = `from ${dividedText(from)} to ${dividedText(to)}`;
  return blockers.length === 0
    ? `move ${move}, inside PostgreSQL; readers go on`
    : `cannot move ${move}, because the move would lose this: ${blockers.join('; ')}`;
}

function dividedText(count: number | null): string {
  return count === null ? 'a table without partitions' : counted(count, 'partition');
}

function feedText(feed: 'begin' | 'end', exists: boolean): string {
  if (feed === 'end') return 'end the change log; the changes that are there stay';
  return `begin the change log${exists ? ', with a marker for the rows that are there' : ''}`;
}

function summaryText(plans: readonly TablePlan[], { sql, verify = null }: PlanTextOptions): string[] {
  const requests = plans.reduce((sum, table) => sum + (table.requests ?? 0), 0);
  const statements = plans.reduce((sum, table) => sum + statementsOf(table).length, 0);
  const waiting = plans.filter(isWaiting).length;
  return [
    `${counted(requests, 'API request')} for rows in all, without those for metadata.`,
    ...(verify === null ? [] : verifySummary(plans, verify)),
    ...(waiting === 0
      ? []
      : [`A yes is missing for ${counted(waiting, 'table')}: \`plan --apply\` gives it.`]),
    ...(sql || statements === 0 ? [] : [`\`plan --sql\` shows the ${counted(statements, 'statement')}.`]),
  ];
}

function verifySummary(
  plans: readonly TablePlan[],
  { requestsPerDay, shareOfDay, sweepSeconds }: VerificationCost,
): string[] {
  const part = shareOfDay === null ? '' : ` (${percent(shareOfDay)} of limits.requestsPerDay)`;
  const uncounted = plans.filter((plan) => plan.verify === null).length;
  const without = uncounted === 0 ? '' : `, without ${counted(uncounted, 'table')} of unknown cost`;
  const cost = `about ${counted(requestsPerDay, 'request')} a day${part}`;
  return indented(`Verification: ${cost}, ${readableSpan(sweepSeconds)} a sweep${without}.`, '');
}

function percent(share: number): string {
  if (share < 0.001) return 'less than 0.1 %';
  return `${Number((share * 100).toPrecision(2)).toLocaleString('en-US')} %`;
}

function isWaiting({ changes, sweep, marked }: TablePlan): boolean {
  return (
    changes.some(({ policy }) => policy === 'ask') || sweep?.allowed === false || marked?.allowed === false
  );
}
