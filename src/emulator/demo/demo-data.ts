import type { DataverseStore } from '../store/dataverse-store.ts';
import { ORGANIZATION } from '../organization/organizations.ts';
import { Random } from '../seeding/random.ts';

/** How the rows spread over the tables; tables pointed at come before those that point. */
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
 * Fills a store with about `rows` rows that point at each other, the same ones for the same seed.
 * Tables that the store does not have are passed over.
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
 * Fills the tables of a store in equal parts with about `rows` rows altogether, at least one each. The one row
 * that describes the organization is not invented.
 */
export function seedEvenly(store: DataverseStore, rows: number, seed = 42): void {
  const random = new Random(seed);
  const tables = [...store.tables.keys()].filter((table) => table !== ORGANIZATION);
  for (const table of tables) store.seed(table, Math.max(1, Math.round(rows / tables.length)), random);
}

/** Accounts come before contacts, so their primary contacts can only be given afterwards. */
function linkPrimaryContacts(store: DataverseStore, random: Random): void {
  if (!store.has('account') || !store.has('contact')) return;
  // A list of its own: updates put rows anew into what the keys are read from.
  for (const account of Array.from(store.data('account').rows.keys())) {
    const contact = store.data('contact').anyId(random);
    if (contact !== undefined && random.chance(0.3))
      store.update('account', account, { primarycontactid: contact });
  }
}
