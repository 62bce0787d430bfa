import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** The path of a script under bench. */
export function scriptPath(name: string): string {
  return new URL(`../${name}`, import.meta.url).pathname;
}

/** Starts a script of the benchmark in a process of its own. Its one argument is JSON. */
export function startScript(name: string, argument: unknown): ChildProcess {
  return fork(scriptPath(name), [JSON.stringify(argument)]);
}

/** Runs a script to its end. @returns the one message that it sends. @throws Error when it fails. */
export async function runScript<T>(name: string, argument: unknown): Promise<T> {
  const child = startScript(name, argument);
  const [message] = await Promise.all([nextMessage<T>(child), once(child, 'exit')]);
  return message;
}

/** The next message of a process. @throws Error when it ends without one. */
export async function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void =>
      reject(new Error(`${child.spawnargs[1]} ended with ${code}.`));
    child.once('exit', ended);
    child.once('error', reject);
    child.once('message', (message) => {
      child.off('exit', ended);
      child.off('error', reject);
      resolve(message as T);
    });
  });
}

/** Resolves when a process has ended. */
export async function nextExit(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
