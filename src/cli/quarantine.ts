import { summaryOf } from '../model/failure.ts';
import { fitsPattern, isPattern } from '../model/name-pattern.ts';
import { readQuarantine, type QuarantineListEntry } from '../operations/quarantine-list.ts';
import { retryQuarantined, type RetryResult } from '../sync/quarantine-retry.ts';
import { UsageError, type Command, type CommandContext } from './command.ts';
import { textTable } from './output.ts';
import { selectedTables } from './selected-tables.ts';
import { Session } from './session.ts';

const RETRY = 'retry';

export const quarantine: Command = {
  name: 'quarantine',
  usage: 'quarantine [retry] [table...]',
  summary: 'rows that could not be stored, and why; retry reads them again and stores what it can',
  needs: ([verb]) =>
    verb === RETRY ? { dataverse: true, postgres: true, tables: true } : { postgres: true },
  options: {},
  takesWords: true,
  async run(context) {
    const [verb, ...names] = context.words;
    return Session.use(context, async (session) =>
      verb === RETRY ? retry(session, names) : list(session, context.words),
    );
  },
};

async function list(session: Session, words: readonly string[]): Promise<number> {
  const { context } = session;
  const { config } = context;
  const all = await readQuarantine(await session.pool(), config);
  const known = [...new Set(all.map(({ table }) => table)), ...config.tables.map(({ name }) => name)];
  const unknown = words.filter((word) => !isPattern(word) && !known.some((name) => fitsPattern(word, name)));
  if (unknown.length > 0) throw new UsageError(`Not among the configured tables: ${unknown.join(', ')}.`);
  const rows = all.filter(
    ({ table }) => words.length === 0 || words.some((word) => fitsPattern(table, word)),
  );
  if (context.options['json'] === true) context.print(JSON.stringify({ rows }, null, 2));
  else if (rows.length === 0) context.print('No row is in quarantine.');
  else context.print(textTable(['table', 'key', 'version', 'reason', 'sqlstate', 'time'], rows.map(cells)));
  return 0;
}

function cells({ table, key, version, reason, sqlstate, time }: QuarantineListEntry): string[] {
  // A partition is the source's own text; a terminal would obey its control characters.
  const printable = key.replaceAll(/\p{Cc}/gu, '\u{FFFD}');
  return [table, printable, version ?? '', reason, sqlstate ?? '', time];
}

async function retry(session: Session, names: readonly string[]): Promise<number> {
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
      context.logger.error({ table, ...details, code, remedy }, `${message} ${remedy}`);
    }
    if (withoutKey > 0) {
      const help = `Load the table again: \`mirrorverse backfill ${table} --restart\`.`;
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
