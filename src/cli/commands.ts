import type { Command, CommandGroup } from './command.ts';
import { CONTROL } from './commands/control/control-commands.ts';
import { DEMO } from './commands/demo/demo-commands.ts';
import { DOWNSTREAM } from './commands/downstream/downstream-commands.ts';
import { INSPECTION } from './commands/inspection/inspection-commands.ts';
import { MIRRORING } from './commands/mirroring/mirroring-commands.ts';
import { PROOF } from './commands/proof/proof-commands.ts';
import { SETUP } from './commands/setup/setup-commands.ts';

/**
 * Every command, as the help tells of it. What a command does is loaded only when the command is called: to load
 * all of them takes longer than most commands take to do their work.
 */
export const COMMAND_GROUPS: readonly CommandGroup[] = [
  SETUP,
  MIRRORING,
  INSPECTION,
  PROOF,
  CONTROL,
  DOWNSTREAM,
  DEMO,
];

export const COMMANDS: readonly Command[] = COMMAND_GROUPS.flatMap(({ commands }) => commands);
