import { spawn, type ChildProcess } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { eventually, type Environment } from './command-line.ts';

/** A shell command at a terminal of 80 columns, by `script` of util-linux. */
export class Terminal implements AsyncDisposable {
  private readonly child: ChildProcess;
  private output = '';
  private seen = 0;
  readonly ended: Promise<number | null>;

  constructor(script: string, command: string, cwd: string, environment: Environment) {
    const { PATH = '', HOME = '' } = process.env;
    const env = { PATH, HOME, TERM: 'xterm', ...environment };
    this.child = spawn(script, ['-qefc', `stty cols 80 rows 40; ${command}`, '/dev/null'], { cwd, env });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.ended = new Promise((resolve) => {
      this.child.on('close', resolve);
    });
  }

  /** All that was shown, without colours and movements of the cursor. */
  get shown(): string {
    return stripVTControlCharacters(this.output);
  }

  /** Waits until the terminal shows a text that it has not shown before the last call, then types. */
  async answer(question: string, keys: string): Promise<void> {
    const isAsked = (): boolean => this.shown.includes(question, this.seen);
    await eventually(isAsked).catch(() => {
      throw new Error(`The terminal did not show ${question}:\n${this.shown}`);
    });
    this.seen = this.shown.length;
    this.child.stdin?.write(keys);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

export const ENTER = '\r';
export const DOWN = '\u001b[B';
export const CTRL_C = '\u0003';
