import * as fc from 'fast-check';
import { runScenario } from './run-scenario.ts';
import type { ScenarioDatabases } from './scenario-databases.ts';
import { scenarios, type Scenario } from './scenario.ts';

/**
 * Runs the scenario of a seed.
 *
 * @param shrinking milliseconds that one that fails is made smaller for.
 * @returns the seed, what was wrong and the smallest scenario that shows it, as JSON that can be kept
 *   among the regressions; nothing when all went well.
 */
export async function driveSeed(
  databases: ScenarioDatabases,
  seed: number,
  shrinking: number,
): Promise<string> {
  let smallest: { scenario: Scenario; problems: readonly string[] } | undefined;
  const begun = Date.now();
  await fc.check(
    fc.asyncProperty(scenarios, async (scenario) => {
      if (smallest !== undefined && Date.now() - begun > shrinking) return;
      const problems = await outcome(databases, scenario);
      if (problems.length === 0) return;
      smallest = { scenario, problems };
      throw new Error(problems[0]);
    }),
    { seed, numRuns: 1, unbiased: true },
  );
  if (smallest === undefined) return '';
  const { scenario, problems } = smallest;
  return `Seed ${seed}; SEED=${seed} makes it smaller.\n${problems.join('\n')}\n${JSON.stringify(scenario)}`;
}

/** What is wrong at the end of a scenario, or that it broke off. */
export async function outcome(databases: ScenarioDatabases, scenario: Scenario): Promise<string[]> {
  return databases.use(async (database) => {
    try {
      return await runScenario(database, scenario);
    } catch (error) {
      return [`it broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`];
    }
  });
}
