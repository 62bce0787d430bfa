import { addressHost, parseAddress } from '../../../mirror/connection/postgres-address.ts';
import type { Mirror } from '../../../mirror/mirror.ts';
import { listQuarantined } from '../../../mirror/quarantine/quarantined-rows.ts';
import { readTableStatus } from '../../../mirror/state/table-status.ts';
import { eachDifference } from '../../../mirror/verify/verify-records.ts';
import { proofReport } from '../../../operations/proof/proof-report.ts';
import { isProven, type TableProof } from '../../../operations/proof/table-proof.ts';
import { createLoadLog } from '../../../sync/load/load-log.ts';
import { Places } from '../../../timing/places.ts';
import { UsageError, type CommandContext } from '../../command.ts';
import { CommandSession } from '../../command-session.ts';
import { ResultFile } from '../../result-file.ts';
import { selectedTables } from '../../selected-tables.ts';
import { createLoadBars } from '../../text/load-bars.ts';
import { proofLines } from '../../text/proof-text.ts';
import { standardScreen } from '../../text/screen.ts';
import { version } from '../version.ts';
import { methodOf, proveTable } from './prove-table.ts';

/** Rows of a table above which progress takes PostgreSQL's estimate for their number. */
const COUNTED = 10_000;
/** Lines of the log where no terminal shows bars. A table that takes less than five seconds has none. */
const LINES = { every: 5_000, atOnce: false };

export async function verify(context: CommandContext): Promise<number> {
  const { options } = context;
  if (options['yes'] === true && options['repair'] !== true) {
    throw new UsageError('--yes says how many rows --repair may delete. Without --repair it says nothing.');
  }
  const path = options['report'];
  const report = typeof path === 'string' ? await ResultFile.begin(path, '--report') : undefined;
  try {
    return await CommandSession.use(context, async (session) => verifyBySession(session, report));
  } finally {
    await report?.discard();
  }
}

async function verifyBySession(session: CommandSession, report: ResultFile | undefined): Promise<number> {
  const { words, options, config, signal, logger, print } = session.context;
  const tables = selectedTables(await session.resolution({ opensMirror: true }), words);
  const mirror = await session.mirror(tables);
  const begun = new Date();
  const known = await readTableStatus(mirror, mirror.store, COUNTED);
  const expected = new Map(known.map(({ table, rows }) => [table, rows]));
  const { terminal } = session.context;
  const bars = terminal && createLoadBars(terminal);
  // The bars and the results say what the log would say of each table.
  if (bars !== undefined) logger.level = 'warn';
  if (bars !== undefined) session.throttleListeners.push((milliseconds) => bars.throttled(milliseconds));
  const watch = bars ?? createLoadLog(logger, LINES);
  let proofs: TableProof[];
  try {
    proofs = await session.withLeases(mirror, async (leases) => {
      const places = new Places(config.limits.tables);
      const verifying = tables.map(async (table) =>
        places.hold(signal, async () => {
          const parts = { mirror, leases, watch, expected: expected.get(table.name) ?? null };
          return proveTable(session, table, parts);
        }),
      );
      await Promise.allSettled(verifying);
      signal.throwIfAborted();
      return Promise.all(verifying);
    });
  } finally {
    bars?.stop();
  }
  await report?.write(reportOf(session, mirror, proofs, begun));
  const ok = isProven(proofs);
  if (options['json'] === true) print(JSON.stringify({ ok, tables: proofs }, null, 2));
  else {
    const { width, paint } = standardScreen();
    const text = { width, paint, report: report?.path, repairs: options['repair'] === true };
    for (const line of proofLines(proofs, text)) print(line);
  }
  return ok ? 0 : 1;
}

function reportOf(
  session: CommandSession,
  mirror: Mirror,
  proofs: readonly TableProof[],
  begun: Date,
): AsyncIterable<string> {
  const { store, environment, options } = mirror;
  const address = parseAddress(options.url);
  const name = address === undefined ? '' : decodeURIComponent(address.pathname.slice(1));
  const server = address === undefined ? '' : addressHost(address);
  const facts = {
    method: methodOf(session),
    repairs: session.context.options['repair'] === true,
    url: environment.url,
    organizationId: environment.organizationId,
    database: [name, server].filter((part) => part !== '').join(' at '),
    schema: mirror.schema,
    begun,
    ended: new Date(),
    version: version(),
  };
  return proofReport(facts, proofs, {
    differences: (table) => eachDifference(store, table),
    quarantined: async (table) => listQuarantined(store, table),
  });
}
