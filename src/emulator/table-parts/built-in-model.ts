import type { TableDefinition } from '../definitions/emulated-table.ts';
import { aaduser } from '../tables/aaduser.ts';
import { account } from '../tables/account.ts';
import { contact } from '../tables/contact.ts';
import { incident } from '../tables/incident.ts';
import { lead } from '../tables/lead.ts';
import { opportunity } from '../tables/opportunity.ts';
import { systemuser } from '../tables/systemuser.ts';
import { task } from '../tables/task.ts';
import { team } from '../tables/team.ts';
import { teammembership } from '../tables/teammembership.ts';
import { transactioncurrency } from '../tables/transactioncurrency.ts';
import { untracked } from '../tables/untracked.ts';

/** The tables an emulator has unless told otherwise; those pointed at come first. */
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
