import type { Random } from '../seeding/random.ts';
import type { WireInput } from '../store/wire-value.ts';
import type { Currency } from './money.ts';
import { DAY, timeText, workMoment } from './moments.ts';
import type { Team, User } from './staff.ts';

export type Values = Record<string, WireInput>;

/** A row that is invented and not written yet. */
export interface InventedRow {
  readonly table: string;
  readonly id: string;
  readonly values: Values;
  /** When it was last modified. Rows are written in this order, so that row versions and times agree. */
  readonly at: number;
}

/** Who a row belongs to. */
export type Owner = { readonly user: User } | { readonly team: Team };

export function ownerColumns(owner: Owner, businessUnitId: string): Values {
  const isUser = 'user' in owner;
  const table = isUser ? 'systemuser' : 'team';
  const { id } = isUser ? owner.user : owner.team;
  return {
    ownerid: { table, id },
    owninguser: isUser ? id : null,
    owningteam: isUser ? null : id,
    owningbusinessunit: businessUnitId,
  };
}

export function currencyColumns({ id, rate }: Currency): Values {
  return { transactioncurrencyid: id, exchangerate: { number: rate } };
}

/** Who made and changed a row, and when. */
export function auditColumns(created: number, modified: number, by: User, changedBy = by): Values {
  return {
    createdon: timeText(created),
    createdby: by.id,
    modifiedon: timeText(modified),
    modifiedby: changedBy.id,
    timezoneruleversionnumber: 0,
  };
}

/** When something was made and last changed. Most of what people have was touched lately. */
export interface Lifetime {
  readonly created: number;
  readonly modified: number;
}

/** Invents a lifetime that begins after `from` and has not been longer than `to`. */
export function inventLifetime(from: number, to: number, random: Random): Lifetime {
  const created = workMoment(random, from, Math.max(from, to - DAY));
  const rest = to - created;
  const modified = random.chance(0.2) ? created : workMoment(random, to - rest * random.next(), to);
  return { created, modified: Math.max(created, modified) };
}
