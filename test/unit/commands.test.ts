import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runCommandLine } from '../../src/cli/command-line.ts';
import { commandNamed, parseCommand } from '../../src/cli/command-arguments.ts';
import { UsageError } from '../../src/cli/command.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import { selectedTables } from '../../src/cli/selected-tables.ts';

const README = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');

/** The calls in the first column of README's table of commands, such as `quarantine retry [table...]`. */
function documentedCalls(): string[] {
  const [, section = ''] = README.split('\n## Commands\n');
  const rows = section.split('\n## ')[0]?.matchAll(/^\| `([^`]+)` \|/gm) ?? [];
  return [...rows].map(([, line = '']) => line);
}

/** The commands that README says take `--json`. */
function documentedJson(): string[] {
  const [sentence = ''] = /^.*take `--json`/m.exec(README) ?? [];
  return [...sentence.matchAll(/`(\w+)`/g)].map(([, name = '']) => name).toSorted();
}

let written = '';
beforeEach(() => {
  written = '';
  const keep = (text: string | Uint8Array): boolean => {
    written += String(text);
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
});
afterEach(() => vi.restoreAllMocks());

/** Exit status and output of a command line that does not get as far as its work. */
async function called(...args: string[]): Promise<{ status: number; output: string }> {
  written = '';
  const status = await runCommandLine(args, AbortSignal.abort());
  return { status, output: written };
}

describe('README', () => {
  it("README's table of commands has every command, and no other", () => {
    const names = documentedCalls().map((each) => each.split(' ')[0] ?? '');
    expect([...new Set(names)].toSorted()).toEqual(COMMANDS.map(({ name }) => name).toSorted());
  });

  it('README names only options that the command has', () => {
    const unknown = documentedCalls().flatMap((each) => {
      const command = COMMANDS.find(({ name }) => name === each.split(' ')[0]);
      const options = [...each.matchAll(/--([a-z-]+)/g)].map(([, option = '']) => option);
      return options.filter((option) => command?.options?.[option] === undefined);
    });
    expect(unknown).toEqual([]);
  });

  it('README says which commands take --json', () => {
    expect(documentedJson()).toEqual(COMMANDS.flatMap(({ name, json }) => (json ? [name] : [])).toSorted());
  });
});

describe('help', () => {
  it.each(COMMANDS)('$name --help shows usage, options and an example within 80 columns', async (command) => {
    const { status, output } = await called(command.name, '--help');
    expect(status).toBe(0);
    expect(output).toContain(`Usage: mirrorverse ${command.name}`);
    expect(output).toMatch(/^Examples?:\n {2}mirrorverse /m);
    for (const option of [...Object.keys(command.options ?? {}), 'config', 'help'])
      expect(output).toMatch(new RegExp(`^ .*--${option}\\b`, 'm'));
    expect(/^ {2}--json\b/m.test(output)).toBe(command.json);
    expect(output.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(await called('help', command.name)).toEqual({ status, output });
  });

  it('--help lists every command within 80 columns', async () => {
    const { status, output } = await called('--help');
    expect(status).toBe(0);
    for (const { name } of COMMANDS) expect(output).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    expect(output.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(await called()).toEqual({ status: 2, output });
  });
});

describe('--json', () => {
  it.each(COMMANDS)('$name takes --json exactly if its help says so', async ({ name, json }) => {
    expect((await called(name, '--json', '--help')).status).toBe(json ? 0 : 2);
  });
});

describe('a wrong name', () => {
  it.each([
    ['stauts', 'There is no command stauts. Did you mean status?'],
    ['Sync', 'There is no command Sync. Did you mean sync?'],
    ['replicate', 'There is no command replicate.'],
    ['--json', 'The options come after the command: mirrorverse <command> --json.'],
  ])('%s is explained as a command', (name, message) => {
    expect(() => commandNamed(name)).toThrow(new UsageError(message));
  });

  it.each([
    ['--restrat', 'backfill has no option --restrat. Did you mean --restart?'],
    ['--Config=x', 'backfill has no option --Config. Did you mean --config?'],
    ['-x', 'backfill has no option -x.'],
    ['--version', 'backfill has no option --version.'],
  ])('%s is explained as an option', (option, message) => {
    expect(() => parseCommand(commandNamed('backfill'), [option])).toThrow(new UsageError(message));
  });

  it('--json is refused with the names of the commands that take it', () => {
    expect(() => parseCommand(commandNamed('migrate'), ['--json'])).toThrow(
      /^migrate prints no JSON. These commands take --json: .*\bstatus\b/,
    );
  });

  it('a table that is not configured is explained with the nearest one', () => {
    const tables = ['account', 'contact'].map((name) => ({ name, mode: 'changes' as const }));
    const resolution = { tables, excluded: new Map(), idlePatterns: [], isIncomplete: false };
    const select =
      (...words: string[]) =>
      () =>
        selectedTables(resolution, words);
    expect(select('Account')).toThrow('Not among the configured tables: Account. Did you mean account?');
    expect(select('task')).toThrow('Not among the configured tables: task. Add them to tables.');
  });
});
