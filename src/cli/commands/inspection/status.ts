import { environmentAddress } from '../../../dataverse/environment-address.ts';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../../config/config.ts';
import type { MirrorDatabase } from '../../../mirror/database.ts';
import { toFailure } from '../../../model/failure.ts';
import { fitsPattern } from '../../../model/name-pattern.ts';
import {
  readStatus,
  type StatusOptions,
  type StatusReport,
} from '../../../operations/status/mirror-status.ts';
import type { CommandContext } from '../../command.ts';
import { DatabaseSession } from '../../database-session.ts';
import { linesOf, standardScreen } from '../../text/screen.ts';
import { notConfigured } from '../../selected-tables.ts';
import { statusLines } from '../../text/status-text.ts';

/** Milliseconds between two looks of `--watch`. */
const EVERY = 2_000;
/** Sets the cursor to the first place of the terminal and clears what is there. */
const CLEAR = '\u001B[H\u001B[J';

export async function status(context: CommandContext): Promise<number> {
  return DatabaseSession.use(context, async (session) => {
    const database = await session.database();
    const { options, print } = context;
    if (options['watch'] === true) await watch(context, database);
    else print(shown(context, await read(context, database)));
    return 0;
  });
}

/** Shows the status every two seconds until the signal. A database that does not answer for a while is waited for. */
async function watch(context: CommandContext, database: MirrorDatabase): Promise<void> {
  const { signal, print } = context;
  const { height } = standardScreen();
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    let text: string;
    try {
      text = shown(context, await read(context, database));
    } catch (error) {
      if (isFirst) throw error;
      text = trouble(context, error);
    }
    if (signal.aborted) return;
    if (height !== undefined && context.options['json'] !== true) print(CLEAR + cutTo(height - 1, text));
    else print(isFirst || context.options['json'] === true ? text : `\n${text}`);
    await delay(EVERY, undefined, { signal }).catch(() => undefined);
  }
}

async function read({ config, words }: CommandContext, database: MirrorDatabase): Promise<StatusReport> {
  const report = await readStatus(database, statusOptions(config));
  if (words.length === 0) return report;
  const names = report.tables.map(({ table }) => table);
  const unknown = words.filter((word) => !names.some((name) => fitsPattern(name, word)));
  if (unknown.length > 0) throw notConfigured(unknown, names);
  return {
    ...report,
    tables: report.tables.filter(({ table }) => words.some((word) => fitsPattern(table, word))),
  };
}

function shown({ options }: CommandContext, report: StatusReport): string {
  if (options['json'] === true) {
    return options['watch'] === true ? JSON.stringify(report) : JSON.stringify(report, null, 2);
  }
  const { width, paint } = standardScreen();
  return statusLines(report, { width, paint, wide: options['wide'] === true, now: Date.now() }).join('\n');
}

function trouble({ options }: CommandContext, error: unknown): string {
  const { code, message, remedy } = toFailure(error);
  if (options['json'] === true) return JSON.stringify({ error: { code, message, remedy } });
  return linesOf(`${code}: ${message} ${remedy}`, standardScreen().width).join('\n');
}

function cutTo(height: number, text: string): string {
  const lines = text.split('\n');
  if (lines.length <= height) return text;
  return [...lines.slice(0, height - 1), `… and ${lines.length - height + 1} more lines`].join('\n');
}

/** What `status` and the daemon's own `/status` read. */
export function statusOptions(config: Config): StatusOptions {
  return {
    url: config.dataverse === undefined ? undefined : environmentAddress(config.dataverse.url),
    choice: { entries: config.tables, leftOut: config.leftOut },
    requestsPer5Minutes: config.limits.requestsPer5Minutes,
    requestsPerDay: config.limits.requestsPerDay,
    webhooks: config.webhooks.map(({ name }) => name),
  };
}
