import { readFileSync } from 'node:fs';
import type { Workbench } from './workbench.ts';

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
