import type { Command, CommandGroup } from '../command.ts';
import { wrapped } from '../output.ts';

/** The commands with a line for each. */
export function helpText(groups: readonly CommandGroup[]): string {
  const names = groups.flatMap(({ commands }) => commands.map(({ name }) => name.length));
  const widest = Math.max(...names);
  const listed = groups.flatMap(({ title, commands }) => [
    title,
    ...commands.map(({ name, summary }) => `  ${name.padEnd(widest)}  ${summary}`),
    '',
  ]);
  return [
    'mirrorverse keeps an exact PostgreSQL mirror of Microsoft Dataverse tables.',
    '',
    'Usage: mirrorverse <command> [options]',
    '',
    ...listed,
    '`mirrorverse help <command>` shows the options of a command and an example.',
    'The configuration is the file of --config, else of MIRRORVERSE_CONFIG, else',
    'mirrorverse.yaml in the working directory.',
  ].join('\n');
}

/** One command: its usage, its options and examples. */
export function commandHelp(command: Command): string {
  const { name, words, summary, details, options = {}, json, examples, ends } = command;
  const forms = words.length === 0 ? [''] : words.map((form) => ` ${form}`);
  const usages = forms.map((form) => `mirrorverse ${name}${form} [options]`);
  const rows: [string, string][] = [
    ...Object.entries(options).map(([option, { value, summary: does }]): [string, string] => [
      value === undefined ? `--${option}` : `--${option} ${value}`,
      does,
    ]),
    ...(json ? [['--json', 'prints one JSON document'] satisfies [string, string]] : []),
    ['--config FILE', 'configuration (MIRRORVERSE_CONFIG, else mirrorverse.yaml)'],
    ['-h, --help', 'prints this help'],
  ];
  const widest = Math.max(...rows.map(([option]) => option.length));
  return [
    ...wrapped(`${name} – ${summary}.`),
    ...(details === undefined ? [] : ['', ...wrapped(details)]),
    '',
    `Usage: ${usages.join('\n       ')}`,
    '',
    'Options:',
    ...rows.flatMap(([option, does]) => {
      const [first, ...more] = wrapped(does, { indent: widest + 4 });
      return [`  ${option.padEnd(widest)}  ${first}`, ...more.map((line) => ' '.repeat(widest + 4) + line)];
    }),
    '',
    examples.length === 1 ? 'Example:' : 'Examples:',
    ...examples.map((example) => `  mirrorverse ${example}`),
    '',
    ...wrapped(`Exit status: ${ends}; 2 if the command or the configuration is wrong.`),
  ].join('\n');
}
