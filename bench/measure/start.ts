import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { Options } from '../options.ts';
import { verdict, type Section } from '../report/section.ts';
import { megabytes, seconds } from '../report/units.ts';
import { withSource } from '../source/start.ts';
import type { SourceTable } from '../source/table.ts';
import { surroundingsOf, TABLE } from '../support/load-mirror.ts';
import { median } from '../support/median.ts';
import { runCommand } from '../support/mirror-command.ts';
import { productionSize } from '../support/production-size.ts';
import type { Workbench } from '../support/workbench.ts';

const MANY = 1_000;
const FEW = 10;
/** Milliseconds from the start of the process to the first byte that PostgreSQL gets. */
const FIRST_BYTE = 300;
/** Milliseconds that `status` of a few tables takes, the whole process. */
const STATUS = 400;
/** Bytes. */
const SIZE = 60e6;

const used = (value: number): string => verdict({ value, bar: 1 });

/** What every command takes before its work begins, and how soon one tells how many tables stand. */
export async function measureStart(workbench: Workbench, options: Options): Promise<Section> {
  const rounds = options.rounds(5);
  const firstByte = await timeFirstByte(rounds);
  const firstRequest = await timeFirstRequest(workbench, rounds);
  const few = await timeStatus(workbench, FEW, rounds);
  const size = productionSize(`${import.meta.dirname}/../..`);
  const tables = Math.min(MANY, options.rows(MANY));
  const { loading, telling, asJson } = await timeStatus(workbench, tables, rounds);
  return {
    title: 'Start',
    about:
      'The times are those of the built command, from the start of its process. Where a limit stands, the third column is the part of it that was used. The size is that of the packages without optional ones, as `du --apparent-size` counts it.',
    headings: ['what', 'figure', 'of the limit'],
    rows: [
      [
        `\`status\`: to the first byte for PostgreSQL, ${FIRST_BYTE} ms allowed`,
        seconds(firstByte.status),
        used(firstByte.status / FIRST_BYTE),
      ],
      [
        `\`sync\`: to the first byte for PostgreSQL, ${FIRST_BYTE} ms allowed`,
        seconds(firstByte.sync),
        used(firstByte.sync / FIRST_BYTE),
      ],
      ['`sync`: to the first request', seconds(firstRequest), ''],
      [
        `\`status\` of ${FEW} tables, to the end of the process, ${STATUS} ms allowed`,
        seconds(few.telling),
        used(few.telling / STATUS),
      ],
      [`production dependencies, ${SIZE / 1e6} MB allowed`, megabytes(size), used(size / SIZE)],
      [`\`status\` of ${tables} tables, to the end of the process`, seconds(telling), ''],
      [`\`status --json\` of ${tables} tables`, seconds(asJson), ''],
      [`\`sync\` that made those ${tables} tables, 10 rows each`, seconds(loading), ''],
    ],
    ratios: [
      { name: 'status, first byte', value: firstByte.status / FIRST_BYTE, bar: 1 },
      { name: 'sync, first byte', value: firstByte.sync / FIRST_BYTE, bar: 1 },
      { name: `status of ${FEW} tables`, value: few.telling / STATUS, bar: 1 },
      { name: 'production size', value: size / SIZE, bar: 1 },
    ],
  };
}

/** How soon a server that stands in for PostgreSQL hears of a command. It hangs up then, so the command fails. */
async function timeFirstByte(rounds: number): Promise<{ readonly status: number; readonly sync: number }> {
  let heard = Promise.withResolvers<bigint>();
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      heard.resolve(process.hrtime.bigint());
      socket.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `postgres://nobody:none@127.0.0.1:${port}/none`;
  const tables: readonly SourceTable[] = [{ name: TABLE, rows: 10, columns: 20 }];
  return withSource({ tables }, async ({ origin }) => {
    const time = async (word: string): Promise<number> => {
      const times: number[] = [];
      for (let round = 0; round < rounds; round++) {
        heard = Promise.withResolvers();
        const begun = process.hrtime.bigint();
        await runCommand([word], { origin, url, tables: [TABLE] }).catch(() => undefined);
        times.push(Number((await heard.promise) - begun) / 1e6);
      }
      return median(times);
    };
    return { status: await time('status'), sync: await time('sync') };
  }).finally(() => server.close());
}

async function timeFirstRequest(workbench: Workbench, rounds: number): Promise<number> {
  const tables: readonly SourceTable[] = [{ name: TABLE, rows: 10, columns: 20 }];
  await workbench.clear();
  return withSource({ tables }, async (source) => {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await source.forget();
      const { startedAt } = await runCommand(['sync'], surroundingsOf(workbench, source, tables));
      const { firstRequestAt } = await source.counts();
      times.push(Number(BigInt(firstRequestAt ?? 0) - startedAt) / 1e6);
    }
    return median(times);
  });
}

async function timeStatus(
  workbench: Workbench,
  many: number,
  rounds: number,
): Promise<{ readonly loading: number; readonly telling: number; readonly asJson: number }> {
  const tables = Array.from({ length: many }, (_, at) => ({ name: `table${at}`, rows: 10, columns: 20 }));
  await workbench.clear();
  return withSource({ tables }, async (source) => {
    const surroundings = surroundingsOf(workbench, source, tables);
    const { process: loading } = await runCommand(['sync'], surroundings);
    await workbench.settle();
    const time = async (words: readonly string[]): Promise<number> => {
      const times: number[] = [];
      for (let round = 0; round < rounds; round++)
        times.push((await runCommand(words, surroundings)).process);
      return median(times);
    };
    return { loading, telling: await time(['status']), asJson: await time(['status', '--json']) };
  });
}
