import type { Config, TableConfig } from '../../../config/config.ts';
import { allowDeletes } from '../../../mirror/deletes/delete-approval.ts';
import { Failure } from '../../../model/failure.ts';
import { planRun, type TablePlan } from '../../../operations/table-plan.ts';
import { verificationCost, type VerificationCost } from '../../../operations/verification-cost.ts';
import type { CommandContext } from '../../command.ts';
import { selectedTables } from '../../selected-tables.ts';
import { tableSettings } from '../../mirror-settings.ts';
import { CommandSession } from '../../command-session.ts';
import { planText } from './plan-text.ts';

export async function plan(context: CommandContext): Promise<number> {
  return CommandSession.use(context, planBySession);
}

/** Plans the next run with what a session has open. */
export async function planBySession(session: CommandSession): Promise<number> {
  const { config, words, options, signal } = session.context;
  const tables = selectedTables(await session.resolution(), words);
  const applied = options['apply'] !== true || (await applyPlan(session, tables));
  const plans = await planRun(
    {
      database: await session.database(),
      dataverse: session.dataverse(),
      pageSize: config.limits.pageSize,
      sweep: config.sweep,
      isDistributed: config.distribution !== undefined,
      tables: tables.map((table) => tableSettings(config, table)),
    },
    signal,
  );
  print(session.context, plans);
  return applied && plans.every(({ error }) => error === null) ? 0 : 1;
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
        logger.error({ ...details, table: table.name, code, remedy }, message);
        applied = false;
        continue;
      }
      await allowDeletes(mirror.store, table.name);
    }
    await shared.labels?.makeViews();
  });
  return applied;
}

/** Null if the daemon does not verify, or if no table can be told. */
function costOfVerify({ verify, limits }: Config, plans: readonly TablePlan[]): VerificationCost | null {
  const tables = plans.flatMap(({ verify: requests }) => requests ?? []);
  return verify === undefined || tables.length === 0 ? null : verificationCost(tables, verify, limits);
}

function print(context: CommandContext, plans: readonly TablePlan[]): void {
  const verify = costOfVerify(context.config, plans);
  if (context.options['json'] === true) {
    const requests = plans.reduce((sum, table) => sum + (table.requests ?? 0), 0);
    context.print(JSON.stringify({ tables: plans, requests, verify }, null, 2));
    return;
  }
  const lines = planText(plans, { sql: context.options['sql'] === true, verify });
  for (const line of lines) context.print(line);
}
