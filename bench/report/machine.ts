import { arch, cpus, platform, release, totalmem } from 'node:os';
import type { Workbench } from '../support/workbench.ts';

/** What everything was measured on, in a sentence or two. */
export async function machine(workbench: Workbench): Promise<string> {
  const [server] = await workbench.query('SHOW server_version');
  const processors = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return [
    `${processors.length} cores (${processors[0]?.model.trim() ?? 'unknown'}), ${memory} GiB of memory, ${platform()} ${release()} ${arch()}.`,
    `Node ${process.versions.node}, PostgreSQL ${String(server?.['server_version'])}.`,
  ].join(' ');
}
