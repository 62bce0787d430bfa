import { open, rename, stat } from 'node:fs/promises';

const KEPT_BYTES = 5_000_000;
const TAIL_LINES = 15;

/** The size of a log now: where the lines of what follows begin. */
export async function logEnd(log: string): Promise<number> {
  return stat(log).then(
    ({ size }) => size,
    () => 0,
  );
}

/** The last lines written to a log since `start`. */
export async function logTail(log: string, start: number): Promise<string> {
  const length = (await logEnd(log)) - start;
  if (length <= 0) return '';
  const file = await open(log, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
    return buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  } finally {
    await file.close();
  }
}

/** Moves a log that has grown large aside, to `<log>.1`. */
export async function rotateLog(log: string): Promise<void> {
  if ((await logEnd(log)) > KEPT_BYTES) await rename(log, `${log}.1`);
}
