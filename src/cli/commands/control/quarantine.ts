import { summaryOf } from '../../../model/failure.ts';
import { fitsPattern, isPattern } from '../../../model/name-pattern.ts';
import { dismiss } from '../../../operations/dismissal.ts';
import {
  readQuarantine,
  type QuarantineList,
  type QuarantineListEntry,
} from '../../../operations/quarantine-list.ts';
import { retryQuarantined, type RetryResult } from '../../../sync/quarantine-retry.ts';
import { UsageError, type CommandContext } from '../../command.ts';
import { textTable } from '../../output.ts';
import { notConfigured, selectedTables } from '../../selected-tables.ts';
import { CommandSession } from '../../command-session.ts';

const RETRY = 'retry';
const DISMISS = 'dismiss';

export async function quarantine(context: CommandContext): Promise<number> {
  const [verb, ...names] = context.words;
  return CommandSession.use(context, async (session) => {
    if (verb === DISMISS) return dismissRows(session, names);
    return verb === RETRY ? retry(session, names) : list(session, context.words);
  });
}

async function list(session: CommandSession, words: readonly string[]): Promise<number> {
  const { context } = session;
  const all = await readQuarantine(await session.database());
  const unknown = words.filter((word) => !isPattern(word) && !isKnown(session, all, word));
  // A mistyped verb looks like a table.
  if (unknown.length > 0) throw notConfigured(unknown, [RETRY, DISMISS, ...knownNames(session, all)]);
  const isAsked = ({ table }: QuarantineListEntry): boolean =>
    words.length === 0 || words.some((word) => fitsPattern(table, word));
  const rows = all.rows.filter(isAsked);
  const dismissed = all.dismissed.filter(isAsked);
  if (context.options['json'] === true) {
    context.print(JSON.stringify({ rows, dismissed }, null, 2));
    return 0;
  }
  const columns = ['table', 'key', 'version', 'reason', 'sqlstate', 'time'];
  if (rows.length === 0) context.print('No row is in quarantine.');
  else context.print(textTable(columns, rows.map(cells)));
  if (dismissed.length === 0) return 0;
  const lines = dismissed.map((row) => [...cells(row), row.dismissedAt]);
  context.print(`\nDismissed:\n${textTable([...columns, 'dismissed'], lines)}`);
  return 0;
}

function isKnown(session: CommandSession, all: QuarantineList, word: string): boolean {
  return knownNames(session, all).some((name) => fitsPattern(word, name));
}

/** Names and patterns of tables that are configured, or that have rows in quarantine because they were. */
function knownNames({ context }: CommandSession, { rows, dismissed }: QuarantineList): string[] {
  const known = [...rows, ...dismissed].map(({ table }) => table);
  return [...new Set([...known, ...context.config.tables.map(({ name }) => name)])];
}

async function dismissRows(session: CommandSession, [table, ...keys]: readonly string[]): Promise<number> {
  const { context } = session;
  if (table === undefined) {
    throw new UsageError(
      'quarantine dismiss needs the name of a table: `mirrorverse quarantine dismiss <table> [key...]`.',
    );
  }
  const database = await session.database();
  const all = await readQuarantine(database);
  if (isPattern(table) || !isKnown(session, all, table)) {
    throw notConfigured([table], knownNames(session, all));
  }
  const dismissal = await dismiss(database, table, keys);
  const { dismissed, quarantined } = dismissal;
  if (context.options['json'] === true) context.print(JSON.stringify(dismissal, null, 2));
  else {
    const many = dismissed.length === 1 ? '1 row' : `${dismissed.length} rows`;
    context.print(`${many} of ${table} dismissed, ${quarantined} left in quarantine.`);
  }
  return 0;
}

function cells({ table, key, version, reason, sqlstate, time }: QuarantineListEntry): string[] {
  // A partition is text from the source, and a terminal would obey control characters in it.
  const printable = key.replaceAll(/\p{Cc}/gu, '\u{FFFD}');
  return [table, printable, version ?? '', reason, sqlstate ?? '', time];
}

async function retry(session: CommandSession, names: readonly string[]): Promise<number> {
  const { context } = session;
  const { signal, logger } = context;
  const tables = selectedTables(await session.resolution(), names);
  const mirror = await session.mirror(tables);
  const results: RetryResult[] = [];
  await session.withLeases(mirror, async (leases) => {
    const parts = { dataverse: session.dataverse(), mirror, leases, logger };
    for (const table of tables) {
      const { settings } = session.job(mirror, leases, table);
      results.push(await retryQuarantined(settings, parts, signal));
    }
  });
  printRetried(context, results);
  return results.every(({ failure, quarantined }) => failure === null && quarantined === 0) ? 0 : 1;
}

function printRetried(context: CommandContext, results: readonly RetryResult[]): void {
  for (const { table, withoutKey, failure } of results) {
    if (failure !== null) {
      const { code, message, remedy, details } = failure;
      context.logger.error({ table, ...details, code, remedy }, message);
    }
    if (withoutKey > 0) {
      const help = `Load the table again: \`mirrorverse backfill ${table} --restart\`. If the load brings such rows again, remove them: \`mirrorverse quarantine dismiss ${table}\`.`;
      context.logger.warn({ table, withoutKey }, `Rows without a key cannot be read again. ${help}`);
    }
  }
  if (context.options['json'] === true) {
    const tables = results.map(({ failure, ...result }) => ({
      ...result,
      error: failure && summaryOf(failure),
    }));
    context.print(JSON.stringify({ tables }, null, 2));
    return;
  }
  const rows = results.map(({ table, stored, gone, quarantined, failure }) => [
    table,
    String(stored),
    String(gone),
    String(quarantined),
    failure === null ? '' : `failed: ${failure.code}`,
  ]);
  context.print(textTable(['table', 'stored', 'gone', 'in quarantine', 'result'], rows));
}
