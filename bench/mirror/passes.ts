/**
 * Passes over tables in a process that goes on, as the daemon's do: what a process does only once is
 * done before. Each message asks for a pass, and is answered by what it took.
 */
import { once } from 'node:events';
import { pino } from 'pino';
import { loadConfig } from '../../src/config/load.ts';
import { CommandSession } from '../../src/cli/command-session.ts';
import { syncOnce } from '../../src/sync/sync-once.ts';
import { commandVariables, type CommandSurroundings } from '../support/mirror-command.ts';
import { openTransactionCounter, type TransactionCounter } from './transaction-counter.ts';

export interface PassWork {
  readonly milliseconds: number;
  readonly transactions: number;
  /** Bytes of write-ahead log. */
  readonly wal: number;
}

const surroundings = JSON.parse(process.argv[2] ?? '') as CommandSurroundings;
const config = loadConfig(
  undefined,
  { dataverse: true, postgres: true, tables: true },
  commandVariables(surroundings),
);
const { signal } = new AbortController();
const context = {
  config,
  words: [],
  options: {},
  logger: pino({ level: 'silent' }),
  signal,
  print: () => undefined,
};

await CommandSession.use(context, async (session) => {
  const mirror = await session.mirror(config.tables);
  const labels = session.labels(mirror);
  await session.withLeases(mirror, async (leases) => {
    const jobs = config.tables.map((table) => session.job(mirror, leases, table, labels));
    const pass = async (): Promise<void> => {
      const results = await syncOnce(jobs, config.limits.tables, () => ({}), signal);
      const failed = results.find(({ failure }) => failure !== null);
      if (failed !== undefined) throw new Error(`${failed.table}: ${failed.failure?.message}`);
    };
    await pass();
    await labels.labels?.makeViews();
    await pass();
    const counter = await openTransactionCounter(surroundings.url, (await session.database()).pool);
    process.send?.('ready');
    for (;;) {
      const [order] = (await once(process, 'message')) as [string];
      if (order !== 'pass') break;
      process.send?.(await measured(pass, counter));
    }
    await counter.close();
  });
});
process.disconnect();

async function measured(pass: () => Promise<void>, counter: TransactionCounter): Promise<PassWork> {
  // To read the counts takes transactions too: as many each time.
  const first = await counter.read();
  const before = await counter.read();
  const begun = performance.now();
  await pass();
  const milliseconds = performance.now() - begun;
  const after = await counter.read();
  const reading = before.transactions - first.transactions;
  return {
    milliseconds,
    transactions: after.transactions - before.transactions - reading,
    wal: after.wal - before.wal,
  };
}
