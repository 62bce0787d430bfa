import type { TableConfig } from '../../../config/config.ts';
import { summaryOf, toFailure, type Failure, type FailureSummary } from '../../../model/failure.ts';
import { readDifferences, type VerifyMethod } from '../../../mirror/verify/verify-records.ts';
import type { Mirror } from '../../../mirror/mirror.ts';
import type { LeaseKeeper } from '../../../sync/lease/lease-keeper.ts';
import { repairDifferences } from '../../../sync/verify/repair.ts';
import { verifyTable } from '../../../sync/verify/table-verification.ts';
import { Places } from '../../../timing/places.ts';
import type { CommandContext } from '../../command.ts';
import { CommandSession } from '../../command-session.ts';
import { tableSettings } from '../../mirror-settings.ts';
import { textTable } from '../../output.ts';
import { selectedTables } from '../../selected-tables.ts';

/** Differences of a table that the document lists; it counts the others. */
const LISTED = 1_000;

/** What `verify --json` says of a table. Members may be added; these stay. */
interface VerifiedEntry {
  readonly table: string;
  readonly method: VerifyMethod;
  readonly throughVersion: string | null;
  readonly rows: number;
  readonly requests: number;
  readonly differences: readonly {
    readonly key: string;
    readonly kind: string;
    readonly columns: readonly string[];
    readonly repaired: boolean;
  }[];
  readonly total: number;
  /** Differences that are left. */
  readonly open: number;
  /** Rows that changed all the while, so that nothing can be said of them. */
  readonly unsettled: number;
  readonly error: FailureSummary | null;
}

export async function verify(context: CommandContext): Promise<number> {
  return CommandSession.use(context, async (session) => {
    const { words, options, config, signal } = context;
    const tables = selectedTables(await session.resolution({ opensMirror: true }), words);
    const mirror = await session.mirror(tables);
    const entries = await session.withLeases(mirror, async (leases) => {
      const places = new Places(config.limits.tables);
      const verifying = tables.map(async (table) =>
        places.hold(signal, async () => verifyOne(session, mirror, leases, table)),
      );
      await Promise.allSettled(verifying);
      signal.throwIfAborted();
      return Promise.all(verifying);
    });
    const ok = entries.every(({ error, open }) => error === null && open === 0);
    if (options['json'] === true) context.print(JSON.stringify({ ok, tables: entries }, null, 2));
    else printProofs(context, entries);
    return ok ? 0 : 1;
  });
}

async function verifyOne(
  session: CommandSession,
  mirror: Mirror,
  leases: LeaseKeeper,
  table: TableConfig,
): Promise<VerifiedEntry> {
  const { config, options, signal, logger } = session.context;
  const dataverse = session.dataverse();
  const settings = tableSettings(config, table);
  const method: VerifyMethod = options['values'] === true ? 'values' : 'sweep';
  const job = session.job(mirror, leases, table);
  const verified = {
    name: table.name,
    pageSize: settings.pageSize,
    pass: async (stop: AbortSignal): Promise<void> => {
      const { failure } = await job.run({}, stop);
      if (failure !== null) throw failure;
    },
    open: async (stop: AbortSignal) => job.open(stop),
  };
  let failure: Failure | null = null;
  let proof = { throughVersion: null as bigint | null, rows: 0, requests: 0, unsettled: 0 };
  try {
    proof = await verifyTable(verified, method, { dataverse, mirror, holder: leases.holder }, signal);
    if (options['repair'] === true) {
      await repairDifferences(settings, { dataverse, mirror, leases, logger }, signal);
    }
  } catch (error) {
    signal.throwIfAborted();
    failure = toFailure(error);
    logger.error({ table: table.name, code: failure.code }, failure.message);
  }
  const { differences, total, open } = await readDifferences(mirror.store, table.name, LISTED);
  const { throughVersion, ...rest } = proof;
  return {
    table: table.name,
    method,
    throughVersion: throughVersion?.toString() ?? null,
    ...rest,
    differences,
    total,
    open,
    error: failure && summaryOf(failure),
  };
}

function printProofs(context: CommandContext, entries: readonly VerifiedEntry[]): void {
  const rows = entries.map((entry) => [
    entry.table,
    resultOf(entry),
    String(entry.rows),
    String(entry.requests),
    entry.throughVersion ?? '',
  ]);
  context.print(textTable(['table', 'result', 'rows', 'requests', 'through version'], rows));
  for (const { table, differences, total } of entries) {
    for (const { key, kind, columns, repaired } of differences) {
      const where = columns.length === 0 ? '' : ` in ${columns.join(', ')}`;
      context.print(`${table} ${key}: ${kind}${where}${repaired ? ', repaired' : ''}`);
    }
    if (total > differences.length) context.print(`${table}: ${total - differences.length} more`);
  }
}

function resultOf({ error, total, open }: VerifiedEntry): string {
  if (error !== null) return `failed: ${error.code}`;
  if (total === 0) return 'equal';
  const found = total === 1 ? '1 difference' : `${total} differences`;
  return open === 0 ? `${found}, repaired` : found;
}
