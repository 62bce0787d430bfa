import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { scriptPath } from './child.ts';
import { runSpan, type LogLine } from './run-span.ts';

/** One run of the built command. */
export interface CommandRun {
  /** From the first table's beginning to the last one's end, as the command's log tells; milliseconds. */
  readonly run: number;
  /** The whole process, milliseconds. */
  readonly process: number;
  /** The most memory that the process had, bytes. */
  readonly memory: number;
  /** When the process was started, by the clock that all processes have in common; nanoseconds. */
  readonly startedAt: bigint;
  readonly stdout: string;
}

export interface CommandSurroundings {
  /** Address of the source. */
  readonly origin: string;
  /** Address of the database. */
  readonly url: string;
  readonly tables: readonly string[];
}

/**
 * Runs the built command to its end.
 *
 * @param environment variables beside those that say where everything is.
 * @throws Error when it does not succeed.
 */
export async function runCommand(
  words: readonly string[],
  { origin, url, tables }: CommandSurroundings,
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandRun> {
  const startedAt = process.hrtime.bigint();
  const begun = performance.now();
  const child = spawn(scriptPath('../dist/cli/main.js'), words, {
    env: {
      // Its first line looks for `node` there, and is to find this one.
      PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
      ...commandVariables({ origin, url, tables }),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const memory = watchMemory(child);
  const [code] = (await once(child, 'close')) as [number | null];
  const whole = performance.now() - begun;
  if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${stderr.text}${stdout.text}`);
  const lines = stderr.text.split('\n').filter((line) => line.startsWith('{'));
  return {
    run: runSpan(lines.map((line) => JSON.parse(line) as LogLine)),
    process: whole,
    memory: memory(),
    startedAt,
    stdout: stdout.text,
  };
}

/** What the command is told where everything is with. */
export function commandVariables({ origin, url, tables }: CommandSurroundings): Record<string, string> {
  return {
    DATAVERSE_URL: origin,
    DATAVERSE_ACCESS_TOKEN: 'bench',
    DATABASE_URL: url,
    MIRRORVERSE_TABLES: tables.join(','),
    // The source is no environment that has to be spared.
    MIRRORVERSE_REQUESTS_PER_5_MINUTES: '1000000',
  };
}

function collect(stream: NodeJS.ReadableStream): { text: string } {
  const collected = { text: '' };
  stream.setEncoding('utf8').on('data', (chunk: string) => (collected.text += chunk));
  return collected;
}

/** Follows the kernel's own record of the most memory a process had; ends with the process. */
function watchMemory(child: ChildProcess): () => number {
  let most = 0;
  const watch = setInterval(() => (most = Math.max(most, peakMemory(child.pid))), 50);
  child.once('exit', () => clearInterval(watch));
  return () => most;
}

/** Bytes; 0 where there is no /proc. */
function peakMemory(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
