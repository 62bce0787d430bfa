import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './bench.ts';
import { eventually } from './command-line.ts';
import { temporaryDirectory } from './database-server.ts';
import { neededProgram } from './needed-program.ts';

/** Undefined where the machine has none. */
export const PROMETHEUS = neededProgram('prometheus');
export const PROMTOOL = neededProgram('promtool');

/** A Prometheus that scrapes one port every second. */
export interface Prometheus extends AsyncDisposable {
  /** The values of an instant query, by the labels of their series as text. */
  query(expression: string): Promise<Readonly<Record<string, number>>>;
}

interface QueryAnswer {
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value: readonly [number, string];
    }[];
  };
}

/** @param target the port of the daemon. */
export async function startPrometheus(target: string): Promise<Prometheus> {
  if (PROMETHEUS === undefined) throw new Error('There is no Prometheus.');
  const directory = await temporaryDirectory();
  const file = join(directory, 'prometheus.yml');
  const job = `{job_name: mirrorverse, static_configs: [{targets: ['127.0.0.1:${target}']}]}`;
  await writeFile(file, `global: {scrape_interval: 1s}\nscrape_configs: [${job}]\n`);
  const address = `127.0.0.1:${await freePort()}`;
  const places = [`--config.file=${file}`, `--storage.tsdb.path=${join(directory, 'data')}`];
  const child = spawn(PROMETHEUS, [...places, `--web.listen-address=${address}`, '--log.level=error'], {
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  await eventually(async () =>
    fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return {
    async query(expression) {
      const answer = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(expression)}`);
      const { data } = (await answer.json()) as QueryAnswer;
      const entries = data.result.map(({ metric, value }) => [
        Object.values(metric).join(' '),
        Number(value[1]),
      ]);
      return Object.fromEntries(entries) as Record<string, number>;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
      await rm(directory, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** Runs promtool. @returns its exit status, with all that it wrote. */
export async function promtool(
  args: readonly string[],
  input = '',
): Promise<{ readonly status: number; readonly output: string }> {
  if (PROMTOOL === undefined) throw new Error('There is no promtool.');
  const { promise, resolve } = Promise.withResolvers<{ status: number; output: string }>();
  const child = execFile(PROMTOOL, args, (error, stdout, stderr) =>
    resolve({ status: Number(error?.code ?? 0), output: stdout + stderr }),
  );
  child.stdin?.end(input);
  return promise;
}
