import { DataverseEmulator } from '../../src/emulator/dataverse-emulator.ts';

/** The tables of a mirror that a release leaves: `account`, `contact` with marked rows, and `lead` with a row in quarantine. */
export const RELEASE_TABLES = ['account', 'contact', 'lead'];

/** mirrorverse.yaml of that mirror. */
export const RELEASE_CONFIG = `
feed: true
tables:
  - account
  - { name: contact, deletes: soft }
  - lead
`;

/** Stands in a dump for the origin of the environment. */
export const ORIGIN = 'http://127.0.0.1:1';

/** When the release was asked for its mirror. The links of the dump are of that time. */
const AT = Date.UTC(2026, 10, 1);

/**
 * The environment of that mirror. Its rows stand here one by one: whatever the emulator invents may be another in a
 * later version, and a mirror of this version would then differ without a fault.
 */
export function releaseEnvironment(): DataverseEmulator {
  // It stands still, so that the times in the rows are the same in each version.
  const emulator = new DataverseEmulator({ seed: 1, now: () => AT });
  const { store } = emulator;
  for (const at of [1, 2, 3, 4, 5]) {
    store.insert(
      'account',
      { name: `account ${at}`, revenue: `${at}.5`, numberofemployees: at },
      idOf(1, at),
    );
    store.insert('contact', { lastname: `contact ${at}`, parentcustomerid: null }, idOf(2, at));
    store.insert('lead', { subject: `lead ${at}` }, idOf(3, at));
  }
  // PostgreSQL cannot store this character, so the row goes to quarantine.
  store.insert('lead', { subject: 'lead \0' }, idOf(3, 6));
  return emulator;
}

/** What happened between the two passes of the release. */
export function changeBeforeRelease({ store }: DataverseEmulator): void {
  store.update('account', idOf(1, 1), { name: 'changed before the release' });
  store.remove('account', idOf(1, 2));
  store.remove('contact', idOf(2, 1));
}

/** What happened after the release, before a later version took the mirror over. */
export function changeAfterRelease({ store }: DataverseEmulator): void {
  store.update('account', idOf(1, 3), { name: 'changed after the release', revenue: '0.1' });
  store.remove('account', idOf(1, 4));
  store.insert('contact', { lastname: 'new' }, idOf(2, 9));
  store.remove('contact', idOf(2, 2));
  store.update('lead', idOf(3, 6), { subject: 'lead 6' });
}

function idOf(table: number, row: number): string {
  return `00000000-0000-4000-800${table}-00000000000${row}`;
}
