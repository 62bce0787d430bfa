import { readFileSync } from 'node:fs';
import type { Client } from 'pg';

export interface FloorTime {
  readonly milliseconds: number;
  /** Cores that the floor's own process kept busy. The time must be PostgreSQL's. */
  readonly own: number;
  /** Cores that PostgreSQL's process for this connection kept busy; 0 where there is no /proc. */
  readonly postgres: number;
}

/** Runs `work` on a connection and says how long it took, and whom. */
export async function timed(client: Client, work: () => Promise<void>): Promise<FloorTime> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const pid = rows[0]?.pid;
  const cpu = process.cpuUsage();
  const backend = processorTime(pid);
  const begun = performance.now();
  await work();
  const milliseconds = performance.now() - begun;
  const { user, system } = process.cpuUsage(cpu);
  return {
    milliseconds,
    own: (user + system) / 1_000 / milliseconds,
    postgres: (processorTime(pid) - backend) / milliseconds,
  };
}

/** Milliseconds of a processor that a process has had; the kernel counts hundredths of a second. */
function processorTime(pid: number | undefined): number {
  try {
    // After the name, which is in parentheses: the third field on.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return 0;
  }
}
