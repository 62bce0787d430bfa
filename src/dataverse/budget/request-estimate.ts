import type { Table } from '../../model/table.ts';
import { API_VERSION, apiPath } from '../http/client.ts';
import { omittedMembers, storedSelection } from '../feed/selection.ts';
import { keysInRequest, memberGroups } from '../feed/side-plan.ts';

export interface EstimateOptions {
  /** A baseline is followed by its first delta, a snapshot by nothing. */
  readonly mode?: 'changes' | 'snapshot';
  /** Calculated columns that one request may name, where the environment is known to have a limit. */
  readonly calculated?: number;
}

/** Requests for rows that a baseline or a snapshot of so many rows costs. */
export function estimateRequests(
  table: Table,
  rows: number,
  pageSize: number,
  { mode = 'changes', calculated = Number.POSITIVE_INFINITY }: EstimateOptions = {},
): number {
  const size = Math.min(pageSize, table.largestPage ?? pageSize);
  const pages = Math.max(1, Math.ceil(rows / size));
  const beside = (count: number): number =>
    Number.isFinite(calculated) ? sideRequests(table, count, calculated) : 0;
  const firstDelta = mode === 'changes' ? 1 : 0;
  return pages + firstDelta + Math.floor(rows / size) * beside(size) + beside(rows % size);
}

/** Requests beside one page of so many rows. */
function sideRequests(table: Table, rows: number, calculated: number): number {
  const groups = memberGroups(omittedMembers(table, storedSelection(table)), calculated);
  return groups.reduce((sum, group) => {
    const select = [table.key, ...group.map(({ property }) => property)];
    // An environment's own address is a few dozen characters.
    const base = `https://${'x'.repeat(60)}${apiPath(API_VERSION)}${table.entitySet}`;
    return sum + Math.ceil(rows / keysInRequest(base, table.key, select));
  }, 0);
}
