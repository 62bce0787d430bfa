import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What a process is to do that sends requests as fast as its share of the budget allows. */
export interface SharingOrder {
  readonly databaseUrl: string;
  readonly environmentUrl: string;
  readonly process: string;
  readonly limits: { readonly requestsPer5Minutes: number; readonly concurrency: number };
  /** Milliseconds, in place of five minutes and of the usual seconds. */
  readonly times: { readonly window: number; readonly every: number; readonly validFor: number };
}

/** A process that shares its budget with others. */
export class SharingProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  private errors = '';

  constructor(order: SharingOrder) {
    const script = join(import.meta.dirname, 'sharing-child.ts');
    this.child = spawn(process.execPath, [script, JSON.stringify(order)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
  }

  /** Sends a signal, for instance SIGSTOP, which stops the process as a paused machine would. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends the process. @throws Error with what it has told on standard error. */
  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGCONT');
      this.child.kill('SIGTERM');
      await once(this.child, 'exit');
    }
    if (this.errors !== '') throw new Error(this.errors);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
  }
}
