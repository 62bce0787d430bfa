import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { assertNoLeak, leaks, secretsOf } from './canaries.ts';
import { eventually, RunningCommand, spawnCommand, type Environment } from './command-line.ts';
import { CHANNEL, FAILPOINT, type Failpoint } from './failpoint.ts';

const CHILD = join(import.meta.dirname, 'failpoint-child.ts');

/** A command in a process of its own that stands still at a failpoint. */
export class FailpointProcess extends RunningCommand {
  private readonly channel: Duplex;
  private said = '';
  private readonly secrets: readonly string[];

  private constructor(child: ChildProcess, secrets: readonly string[]) {
    super(child);
    this.secrets = secrets;
    this.channel = child.stdio[CHANNEL] as Duplex;
    this.channel.setEncoding('utf8').on('data', (text: string) => (this.said += text));
    this.channel.on('error', () => undefined);
  }

  static start(args: readonly string[], environment: Environment, failpoint: Failpoint): FailpointProcess {
    const told = { ...environment, [FAILPOINT]: JSON.stringify(failpoint) };
    const child = spawnCommand(CHILD, args, told, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    return new FailpointProcess(child, secretsOf(environment));
  }

  /** What it has reported so far: the statement it stands at, or all it sent. */
  get reached(): string[] {
    return this.said.split('\n').filter((line) => line !== '');
  }

  /** Resolves once it stands at its failpoint; false when it ended without coming there. */
  async standing(timeLimit = 30_000): Promise<boolean> {
    await eventually(() => this.reached.length > 0 || !this.running, timeLimit);
    return this.running;
  }

  /** Lets it go on. */
  goOn(): void {
    this.channel.write('.');
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** @throws Error when it has printed a secret, a link or a row that is marked. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.running) {
      this.child.kill('SIGCONT');
      await this.kill();
    }
    assertNoLeak([...leaks(this.stdout, this.secrets), ...leaks(this.stderr, this.secrets)]);
  }
}
