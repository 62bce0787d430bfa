import type { Command } from '../command.ts';

/** Usages up to this wide have their summary beside them, wider ones below. */
const WIDEST = 36;

/** The help for some commands, as text. */
export function helpText(commands: readonly Command[]): string {
  const [first, ...others] = commands;
  const only = others.length === 0 ? first : undefined;
  return [
    'mirrorverse keeps an exact PostgreSQL mirror of Microsoft Dataverse tables.',
    '',
    `Usage: mirrorverse ${only?.usage ?? '<command> [options]'}`,
    '',
    ...(only === undefined ? commands.map(entry) : [only.summary]),
    '',
    'Every command takes --config FILE (else MIRRORVERSE_CONFIG, else mirrorverse.yaml) and --help;',
    'status, quarantine, plan, check, tables, track, sync and backfill take --json.',
    'Exit status: 0 success, 1 the work did not succeed, 2 command or configuration wrong,',
    '3 a later version has migrated the state schema.',
  ].join('\n');
}

function entry({ usage, summary }: Command): string {
  const gap = usage.length > WIDEST ? `\n  ${' '.repeat(WIDEST)}` : ' '.repeat(WIDEST - usage.length);
  return `  ${usage}${gap}  ${summary}`;
}
