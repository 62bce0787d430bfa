import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { assertNoLeak, leaks, secretsOf } from './canaries.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const MAIN = join(ROOT, 'src', 'cli', 'main.ts');
/** Keeps what Node made of the sources: a start takes a quarter less. */
const COMPILE_CACHE = join(ROOT, 'node_modules', '.cache', 'compiled-by-tests');
/** Milliseconds after which a command that does not end is killed. */
const TIME_LIMIT = 55_000;

export type Environment = Readonly<Record<string, string>>;

/** Runs a script with arguments; its environment is what is given, and nothing else but PATH and HOME. */
export function spawnCommand(
  script: string,
  args: readonly string[],
  environment: Environment,
  options: Pick<SpawnOptions, 'cwd' | 'stdio'>,
): ChildProcess {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, NODE_COMPILE_CACHE: COMPILE_CACHE, ...environment };
  return spawn(process.execPath, [script, ...args], { ...options, env });
}

/** How a command ended. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

/** A line of the log. */
export interface LogLine extends Record<string, unknown> {
  readonly msg: string;
  readonly level: string;
}

/** Whether a line of the log tells of a failure. */
export const isError = ({ level }: LogLine): boolean => level === 'error' || level === 'fatal';

/** Whether a line of the log is at least a warning. */
export const isWarning = (line: LogLine): boolean => line.level === 'warn' || isError(line);

/** A command under way in a process of its own. */
export class RunningCommand {
  readonly child: ChildProcess;
  /** Resolves when the process has ended and all it wrote has been read. */
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  constructor(child: ChildProcess) {
    this.child = child;
    const begun = performance.now();
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status, signal) => {
        const milliseconds = performance.now() - begun;
        resolve({ status, signal, stdout: this.stdout, stderr: this.stderr, milliseconds });
      });
    });
    // Whoever waits for it hears of it.
    this.ended.catch(() => undefined);
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Sends the signal and waits for the end; killed when that takes too long. */
  async stop(signal: NodeJS.Signals, timeLimit = TIME_LIMIT): Promise<Ended> {
    const begun = performance.now();
    this.child.kill(signal);
    const ended = await this.end(timeLimit);
    return { ...ended, milliseconds: performance.now() - begun };
  }

  /** Waits for the end; killed when that takes too long. */
  async end(timeLimit = TIME_LIMIT): Promise<Ended> {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), timeLimit);
    try {
      return await this.ended;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Resolves to the first line of the log that fits, already written or yet to come. */
  async logged(fits: (line: LogLine) => boolean, timeLimit = 30_000): Promise<LogLine> {
    let found: LogLine | undefined;
    await eventually(() => {
      // The last line may still be on its way.
      found = logLines(this.stderr.slice(0, this.stderr.lastIndexOf('\n') + 1)).find(fits);
      if (found === undefined && !this.running) throw new Error(`It ended:\n${this.stderr}`);
      return found !== undefined;
    }, timeLimit);
    return found as LogLine;
  }
}

/** The command line as its users have it: each command a process, in a directory of its own. */
export class CommandLine implements AsyncDisposable {
  readonly directory: string;
  /** Standard output and standard error of every command so far. */
  readonly outputs: string[] = [];
  private readonly environment: Environment;
  private readonly commands: RunningCommand[] = [];
  private readonly leaked: string[] = [];
  private readonly killAll = (): void => {
    for (const { child } of this.commands) child.kill('SIGKILL');
  };

  private constructor(directory: string, environment: Environment) {
    this.directory = directory;
    this.environment = environment;
    process.once('exit', this.killAll);
  }

  static async open(environment: Environment = {}): Promise<CommandLine> {
    const directory = await mkdtemp(join(await realpath(tmpdir()), 'mirrorverse-cli-'));
    return new CommandLine(directory, environment);
  }

  /** Writes a file into the working directory and returns its path. */
  async file(name: string, text: string): Promise<string> {
    const path = join(this.directory, name);
    await writeFile(path, text);
    return path;
  }

  /** Starts a command in the environment that was given. */
  start(args: readonly string[], more: Environment = {}): RunningCommand {
    const environment = { ...this.environment, ...more };
    const stdio: SpawnOptions['stdio'] = ['ignore', 'pipe', 'pipe'];
    const command = new RunningCommand(spawnCommand(MAIN, args, environment, { cwd: this.directory, stdio }));
    this.commands.push(command);
    void this.collect(command, secretsOf(environment));
    return command;
  }

  private async collect(command: RunningCommand, secrets: readonly string[]): Promise<void> {
    const { stdout, stderr } = await command.ended;
    this.outputs.push(stdout, stderr);
    this.leaked.push(...leaks(stdout, secrets), ...leaks(stderr, secrets));
  }

  /** Runs a command to its end. */
  async run(args: readonly string[], environment: Environment = {}): Promise<Ended> {
    return this.start(args, environment).end();
  }

  /** Runs a command with `--json`, with its document. */
  async json(args: readonly string[], environment: Environment = {}): Promise<Ended & { document: unknown }> {
    const ended = await this.run([...args, '--json'], environment);
    try {
      return { ...ended, document: JSON.parse(ended.stdout) as unknown };
    } catch {
      throw new Error(`${args.join(' ')} printed no document:\n${ended.stdout}\n${ended.stderr}`);
    }
  }

  /** @throws Error when a command has printed a secret, a link or a row that is marked. */
  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.killAll);
    this.killAll();
    await Promise.allSettled(this.commands.map(async (command) => command.ended));
    await rm(this.directory, { recursive: true, force: true, maxRetries: 10 });
    assertNoLeak(this.leaked);
  }
}

/** The log as objects. @throws SyntaxError for a line that is none. */
export function logLines(stderr: string): LogLine[] {
  return stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine);
}

/** Codes of the errors in a log. */
export function loggedCodes(stderr: string): unknown[] {
  return logLines(stderr).flatMap((line) => (line['code'] === undefined ? [] : [line['code']]));
}

/** Asks again and again until it is so. @throws Error when it does not come to be in time. */
export async function eventually(isSo: () => boolean | Promise<boolean>, timeLimit = 30_000): Promise<void> {
  const deadline = performance.now() + timeLimit;
  for (;;) {
    const asked = performance.now();
    if (await isSo()) return;
    const answered = performance.now();
    if (answered > deadline) throw new Error(`It did not come to be in ${timeLimit} ms: ${isSo.toString()}`);
    // A question that takes long to answer leaves most of the time to what it waits for.
    await delay(Math.min(100, Math.max(25, 4 * (answered - asked))));
  }
}
