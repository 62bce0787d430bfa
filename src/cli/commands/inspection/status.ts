import type { Config } from '../../../config/config.ts';
import type { RequestFigures } from '../../../operations/status/request-figures.ts';
import { readStatus, type StatusOptions } from '../../../operations/status/mirror-status.ts';
import type { CommandContext } from '../../command.ts';
import { textTable } from '../../output.ts';
import { DatabaseSession } from '../../database-session.ts';

export async function status(context: CommandContext): Promise<number> {
  return DatabaseSession.use(context, async (session) => {
    const report = await readStatus(await session.database(), statusOptions(context.config));
    if (context.options['json'] === true) {
      context.print(JSON.stringify(report, null, 2));
      return 0;
    }
    const { url, organizationId } = report.environment;
    context.print(`${url ?? 'no environment yet'}  ${organizationId ?? ''}`.trimEnd());
    const rows = report.tables.map((table) => [
      table.table,
      table.phase,
      String(table.rows),
      table.lastSuccessAt ?? 'never',
      table.lagSeconds === null ? '' : `${table.lagSeconds} s`,
      table.linkIssuedAt ?? '',
      String(table.quarantined),
      figure(table.requests.perChangedRow),
      figure(table.requests.perIdleHour),
      table.error === null ? '' : `${table.error.code}: ${table.error.message} ${table.error.remedy}`,
    ]);
    const headings = [
      'table',
      'phase',
      'rows',
      'last success',
      'lag',
      'link issued',
      'quarantined',
      'requests/row',
      'requests/idle h',
      'error',
    ];
    context.print(textTable(headings, rows));
    const line = requestLine(report.environment.requests);
    if (line !== null) context.print(line);
    return 0;
  });
}

function figure(number: number | null): string {
  return number === null ? '' : String(number);
}

/** What all tables have cost; null where nothing was counted yet. */
function requestLine({ total, perChangedRow, perIdleHour, since }: RequestFigures): string | null {
  if (since === null) return null;
  const parts = [`${total} API requests about tables since ${since}`];
  if (perChangedRow !== null) parts.push(`${perChangedRow} for each changed row`);
  if (perIdleHour !== null) parts.push(`${perIdleHour} an hour for tables that did not change`);
  return `${parts.join(', ')}.`;
}

/** What `status` and the daemon's own `/status` read. */
export function statusOptions(config: Config): StatusOptions {
  return {
    url: config.dataverse === undefined ? undefined : new URL(config.dataverse.url).origin,
    choice: { entries: config.tables, leftOut: config.leftOut },
    requestsPer5Minutes: config.limits.requestsPer5Minutes,
  };
}
