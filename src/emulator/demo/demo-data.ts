import type { DataverseStore } from '../store/dataverse-store.ts';
import { ORGANIZATION } from '../organization/organizations.ts';
import { Random } from '../seeding/random.ts';

/** How the rows spread over the tables. A table comes after the tables that its rows point at. */
const SHARES: readonly (readonly [table: string, share: number])[] = [
  ['transactioncurrency', 0.0002],
  ['systemuser', 0.003],
  ['team', 0.001],
  ['teammembership', 0.012],
  ['account', 0.2],
  ['contact', 0.32],
  ['lead', 0.1],
  ['opportunity', 0.11],
  ['incident', 0.11],
  ['task', 0.14],
  ['new_untracked', 0.005],
];

/**
 * Fills a store with about `rows` rows that point at each other. The same seed gives the same rows. Tables that
 * the store does not have are left out.
 */
export function seedDemoData(store: DataverseStore, rows = 20_000, seed = 42): Map<string, number> {
  const random = new Random(seed);
  const counts = new Map<string, number>();
  for (const [table, share] of SHARES) {
    if (!store.has(table)) continue;
    const count = Math.max(1, Math.round(rows * share));
    store.seed(table, count, random);
    counts.set(table, count);
  }
  linkPrimaryContacts(store, random);
  return counts;
}

/**
 * Fills each table of a store with the same number of rows, together about `rows`, at least one in each table. The
 * table of the one row that describes the organization stays empty.
 */
export function seedEvenly(store: DataverseStore, rows: number, seed = 42): void {
  const random = new Random(seed);
  const tables = [...store.tables.keys()].filter((table) => table !== ORGANIZATION);
  for (const table of tables) store.seed(table, Math.max(1, Math.round(rows / tables.length)), random);
}

/** Accounts come before contacts, so their primary contacts can only be given afterwards. */
function linkPrimaryContacts(store: DataverseStore, random: Random): void {
  if (!store.has('account') || !store.has('contact')) return;
  // A copy of the keys, because updates change the map.
  for (const account of Array.from(store.data('account').rows.keys())) {
    const contact = store.data('contact').anyId(random);
    if (contact !== undefined && random.chance(0.3))
      store.update('account', account, { primarycontactid: contact });
  }
}
