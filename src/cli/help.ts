import type { Command } from './command.ts';

/** The help for some commands, as text. */
export function helpText(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => command.usage.length));
  const lines = commands.map((command) => `  ${command.usage.padEnd(width)}  ${command.summary}`);
  return [
    'mirrorverse keeps an exact PostgreSQL mirror of Microsoft Dataverse tables.',
    '',
    'Usage: mirrorverse <command> [options]',
    '',
    ...lines,
    '',
    'Every command takes --config FILE (else MIRRORVERSE_CONFIG, else mirrorverse.yaml) and --help;',
    'status, quarantine, plan, check, tables, track, sync and backfill take --json.',
    'Exit status: 0 success, 1 the work did not succeed, 2 command or configuration wrong.',
  ].join('\n');
}
