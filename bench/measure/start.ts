import type { Options } from '../options.ts';
import type { Section } from '../report/section.ts';
import { seconds } from '../report/units.ts';
import { withSource } from '../source/start.ts';
import type { SourceTable } from '../source/table.ts';
import { surroundingsOf, TABLE } from '../support/load-mirror.ts';
import { median } from '../support/median.ts';
import { runCommand } from '../support/mirror-command.ts';
import type { Workbench } from '../support/workbench.ts';

const MANY = 1_000;

/** What every command takes before its work begins, and how soon one tells how many tables stand. */
export async function measureStart(workbench: Workbench, options: Options): Promise<Section> {
  const rounds = options.rounds(5);
  const firstRequest = await timeFirstRequest(workbench, rounds);
  const tables = Math.min(MANY, options.rows(MANY));
  const { loading, telling, asJson } = await timeStatus(workbench, tables, rounds);
  return {
    title: 'Start',
    about: 'The times are those of the built command, from the start of its process. There is no limit here.',
    headings: ['what', 'time'],
    rows: [
      ['`sync`: to the first request', seconds(firstRequest)],
      [`\`status\` of ${tables} tables, to the end of the process`, seconds(telling)],
      [`\`status --json\` of ${tables} tables`, seconds(asJson)],
      [`\`sync\` that made those ${tables} tables, 10 rows each`, seconds(loading)],
    ],
    ratios: [],
  };
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
