import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openBench, syncJson, type Bench } from '../support/bench.ts';

const KEY = 'hash key of this test';
const hmac = (text: string): string => createHmac('sha256', KEY).update(text).digest('hex');

const ROWS = `SELECT a.accountid::text AS id, a.name, a.primarycontactid AS contact, a.numberofemployees AS employees,
    a.xmin::text FROM dataverse.account a ORDER BY 1`;

/** A bench whose configuration is the file alone. */
async function hashingBench(yaml: string): Promise<{ bench: Bench; args: string[] }> {
  const bench = await openBench([], { MIRRORVERSE_HASH_KEY: KEY, MIRRORVERSE_TABLES: '' });
  return { bench, args: ['--config', await bench.cli.file('hashing.yaml', yaml)] };
}

describe('hashed columns', () => {
  it('hashed columns hold the keyed hash of each value, and are rewritten only where it changes', async () => {
    const { bench, args } = await hashingBench(
      'tables: [{ name: account, columns: { hash: [name, primarycontactid, numberofemployees] } }]',
    );
    await using _ = bench;
    const { store } = bench.emulator;
    const contact = store.insert('contact', { lastname: 'Known' });
    const values = { name: 'Zoë \0 \u{1F600}', primarycontactid: contact, numberofemployees: 12 };
    const full = store.insert('account', values);
    const empty = store.insert('account', { name: null, primarycontactid: null, numberofemployees: null });

    expect((await syncJson(bench.cli, ['sync', ...args])).status).toBe(0);
    const rows = await bench.database.query<{ id: string; xmin: string }>(ROWS);
    expect(rows).toHaveLength(2);
    expect(rows.find(({ id }) => id === full)).toMatchObject({
      name: hmac(values.name),
      contact: hmac(contact),
      employees: hmac('12'),
    });
    expect(rows.find(({ id }) => id === empty)).toMatchObject({ name: null, contact: null, employees: null });

    expect((await syncJson(bench.cli, ['backfill', '--restart', ...args])).status).toBe(0);
    expect(await bench.database.query(ROWS)).toEqual(rows);
    store.update('account', empty, { name: 'named' });
    expect((await syncJson(bench.cli, ['sync', ...args])).tables[0]).toMatchObject({
      rowsWritten: 1,
      error: null,
    });
    const after = await bench.database.query<{ id: string }>(ROWS);
    expect(after.find(({ id }) => id === empty)).toMatchObject({ name: hmac('named') });
  });

  it('hashed columns join where the values would', async () => {
    const { bench, args } = await hashingBench(
      `tables:
  - { name: account, columns: { hash: [primarycontactid] } }
  - { name: lead, columns: { hash: [parentcontactid] } }`,
    );
    await using _ = bench;
    const { store } = bench.emulator;
    const [one, other] = [store.insert('contact', {}), store.insert('contact', {})];
    const account = store.insert('account', { primarycontactid: one });
    const lead = store.insert('lead', { parentcontactid: one });
    store.insert('lead', { parentcontactid: other });
    expect((await syncJson(bench.cli, ['sync', ...args])).status).toBe(0);
    const joined = await bench.database.query(
      `SELECT accountid::text AS account, leadid::text AS lead
         FROM dataverse.account JOIN dataverse.lead ON parentcontactid = primarycontactid`,
    );
    expect(joined).toEqual([{ account, lead }]);
  });
});
