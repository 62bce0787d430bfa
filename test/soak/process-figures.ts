import { readdir, readFile } from 'node:fs/promises';

/** What a process holds on to, by the system's account. */
export interface ProcessFigures {
  /** Megabytes. */
  readonly memory: number;
  /** Open files and sockets. */
  readonly handles: number;
}

/** @returns null where the system does not tell, or the process is gone. */
export async function processFigures(pid: number): Promise<ProcessFigures | null> {
  try {
    const [status, files] = await Promise.all([
      readFile(`/proc/${pid}/status`, 'utf8'),
      readdir(`/proc/${pid}/fd`),
    ]);
    const resident = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
    return { memory: resident / 1024, handles: files.length };
  } catch {
    return null;
  }
}
