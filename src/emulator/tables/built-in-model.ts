import type { TableDefinition } from '../definitions/emulated-table.ts';
import { aaduser } from './aaduser.ts';
import { account } from './account.ts';
import { contact } from './contact.ts';
import { incident } from './incident.ts';
import { lead } from './lead.ts';
import { opportunity } from './opportunity.ts';
import { systemuser } from './systemuser.ts';
import { task } from './task.ts';
import { team } from './team.ts';
import { teammembership } from './teammembership.ts';
import { transactioncurrency } from './transactioncurrency.ts';
import { untracked } from './untracked.ts';

/** The default tables of an emulator. A table comes after the tables that its rows point at. */
export const BUILT_IN_MODEL: readonly TableDefinition[] = [
  transactioncurrency,
  systemuser,
  team,
  teammembership,
  account,
  contact,
  lead,
  opportunity,
  incident,
  task,
  aaduser,
  untracked,
];
