import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Workbench } from './workbench.ts';

/** Milliseconds that the server may take to notice that a process of a connection has ended. */
const NOTICED = 200;

/**
 * The processes of the open connections. Connections that the workbench keeps open are among them before and after
 * a measurement.
 */
export async function openConnections(workbench: Workbench): Promise<ReadonlySet<number>> {
  const rows = await workbench.query(
    `SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'`,
  );
  return new Set(rows.map(({ pid }) => Number(pid)));
}

/** Waits until all other connections have ended: before that, the kernel does not count their time. */
export async function untilOthersEnd(workbench: Workbench, kept: ReadonlySet<number>): Promise<void> {
  for (;;) {
    const open = await openConnections(workbench);
    if ([...open].every((pid) => kept.has(pid))) break;
    await delay(NOTICED);
  }
  await delay(NOTICED);
}

/**
 * Milliseconds of a processor that the connections to a PostgreSQL server have had which have ended. The kernel
 * adds the time of a process to its parent when the process ends. NaN where there is no /proc.
 */
export async function endedConnectionsTime(workbench: Workbench): Promise<number> {
  const [own] = await workbench.query('SELECT pg_backend_pid() AS pid');
  try {
    const server = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${Number(own?.['pid'])}/status`, 'utf8'))?.[1];
    // After the name, which is in parentheses: the third field on. The kernel counts hundredths of a second.
    const fields = readFileSync(`/proc/${server}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return 10 * (Number(fields[13]) + Number(fields[14]));
  } catch {
    return Number.NaN;
  }
}
