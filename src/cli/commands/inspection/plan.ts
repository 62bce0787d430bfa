import type { TableConfig } from '../../../config/config.ts';
import type { MarkedRows } from '../../../mirror/deletes/marked-rows.ts';
import type { PlannedSweep } from '../../../mirror/table/mirror-preview.ts';
import { allowDeletes } from '../../../mirror/deletes/delete-approval.ts';
import { Failure } from '../../../model/failure.ts';
import { planRun, type TablePlan } from '../../../operations/table-plan.ts';
import type { CommandContext } from '../../command.ts';
import { selectedTables } from '../../selected-tables.ts';
import { tableSettings } from '../../mirror-settings.ts';
import { CommandSession } from '../../command-session.ts';

export async function plan(context: CommandContext): Promise<number> {
  return CommandSession.use(context, async (session) => {
    const { config, words, options, signal } = context;
    const tables = selectedTables(await session.resolution(), words);
    const applied = options['apply'] !== true || (await applyPlan(session, tables));
    const plans = await planRun(
      {
        database: await session.database(),
        dataverse: session.dataverse(),
        pageSize: config.limits.pageSize,
        sweep: config.sweep,
        tables: tables.map((table) => tableSettings(config, table)),
      },
      signal,
    );
    print(context, plans);
    return applied && plans.every(({ error }) => error === null) ? 0 : 1;
  });
}

/**
 * Changes the mirror tables, and allows the sweeps and deletes that wait. The next run reads or deletes the
 * rows. A table that cannot be mirrored does not stop the others.
 *
 * @returns whether every table could be changed.
 * @throws Failure of the process.
 */
async function applyPlan(session: CommandSession, tables: readonly TableConfig[]): Promise<boolean> {
  const { signal, logger } = session.context;
  const mirror = await session.mirror(tables);
  const shared = session.labels(mirror);
  let applied = true;
  await session.withLeases(mirror, async (leases) => {
    for (const table of tables) {
      try {
        await session.job(mirror, leases, table, { ...shared, consent: true }).prepare(signal);
      } catch (error) {
        if (!(error instanceof Failure) || error.reaction !== 'stop-table') throw error;
        const { code, message, remedy, details } = error;
        logger.error({ ...details, table: table.name, code, remedy }, `${message} ${remedy}`);
        applied = false;
        continue;
      }
      await allowDeletes(mirror.store, table.name);
    }
    await shared.labels?.makeViews();
  });
  return applied;
}

function print(context: CommandContext, plans: readonly TablePlan[]): void {
  const requests = plans.reduce((sum, table) => sum + (table.requests ?? 0), 0);
  if (context.options['json'] === true) {
    context.print(JSON.stringify({ tables: plans, requests }, null, 2));
    return;
  }
  for (const table of plans) for (const line of asText(table)) context.print(line);
  context.print(`${counted(requests, 'API request')} for rows in all, without those for metadata.`);
}

function asText(table: TablePlan): string[] {
  const lines = [`${table.table}: ${work(table)}`];
  for (const { policy, description } of table.changes) lines.push(`  ${VERDICTS[policy]} ${description}`);
  for (const statement of table.statements) lines.push(`  ${statement.replaceAll('\n', '\n  ')};`);
  if (table.sweep !== null) lines.push(`  ${sweepText(table.sweep)}`);
  if (table.marked !== null) lines.push(`  ${markedText(table.marked)}`);
  if (table.error !== null) lines.push(`  ${table.error.code}: ${table.error.message} ${table.error.remedy}`);
  return lines;
}

/** The same columns as for a change. */
function sweepText({ unseen, rows, allowed }: PlannedSweep): string {
  const verdict = allowed ? VERDICTS.apply : VERDICTS.ask;
  return `${verdict} delete ${number(unseen)} of ${number(rows)} rows that the last re-baseline did not see`;
}

function markedText({ marked, rows, allowed }: MarkedRows): string {
  const verdict = allowed ? VERDICTS.apply : VERDICTS.ask;
  return `${verdict} delete ${number(marked)} of ${number(rows)} rows that are marked deleted`;
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

const VERDICTS = {
  apply: 'change  ',
  ask: 'asks    ',
  refuse: 'refused ',
} as const;

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function work({ load, rows, requests, error }: TablePlan): string {
  if (error !== null) return 'cannot be mirrored as it is';
  const cost = requests === null ? 'rows not counted' : counted(requests, 'request');
  if (load === null) return `changes only, ${cost}`;
  return `${load}${rows === null ? '' : ` of about ${rows} rows`}, ${cost}`;
}
