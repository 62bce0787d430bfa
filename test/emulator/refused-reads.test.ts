import { describe, expect, it } from 'vitest';
import { column, text } from '../../src/emulator/table-parts/column-kinds.ts';
import { LONGEST_URL } from '../../src/emulator/web-api/web-api-routes.ts';
import { EmulatedApi } from '../support/emulated-api.ts';

/** An address of exactly the given length that reads accounts. */
function padded(api: EmulatedApi, length: number): string {
  const path = `${api.root}/accounts?$select=accountid`;
  return `${path}${',accountid'.repeat(Math.floor((length - path.length) / 10))}`.padEnd(length, '&');
}

describe('calculated columns', () => {
  it('a read with more calculated columns than the limit fails with its code, and one up to the limit does not', async () => {
    await using api = await EmulatedApi.open();
    const { store, settings } = api.emulator;
    for (const [name, sourceType] of [
      ['new_Calc1', 1],
      ['new_Calc2', 1],
      ['new_Formula', 3],
      ['new_Rollup', 2],
    ] as const) {
      store.addColumn('contact', column('Integer', name, [name, name], { sourceType }));
    }
    const id = store.insert('contact', { firstname: 'Ann' });
    const path = 'contacts?$select=new_calc1,new_calc2,new_formula,new_rollup';
    const tracked = await api.get(path, 'odata.track-changes');
    expect(tracked.status).toBe(200);
    settings.maxCalculatedFields = 2;
    const reads = [
      api.get(path, 'odata.track-changes'),
      api.get(String(tracked.json['@odata.deltaLink'])),
      api.get(path),
      api.get(`contacts(${id})?$select=new_calc1,new_calc2,new_formula`),
      api.get('contacts'),
    ];
    for (const answer of await Promise.all(reads)) {
      expect([answer.status, answer.error.code]).toEqual([400, '0x80060429']);
      expect(answer.error.message).toBe('Number of calculated fields in query exceeded maximum limit of 2.');
    }
    expect((await api.get('contacts?$select=new_calc1,new_formula,new_rollup')).status).toBe(200);
    settings.maxCalculatedFields = null;
    expect((await api.get('contacts')).status).toBe(200);
  });
});

describe('an address', () => {
  it('an address of the longest length is answered, and one character more is refused', async () => {
    await using api = await EmulatedApi.open();
    expect((await api.get(padded(api, LONGEST_URL))).status).toBe(200);
    expect((await api.get(padded(api, LONGEST_URL + 1))).status).toBe(400);
  });

  for (const status of [404, 414]) {
    it(`an address that is too long may be answered with ${status}, by a fault that knows the length`, async () => {
      await using api = await EmulatedApi.open();
      api.emulator.faults.add({ match: { path: /^.{30000}/ }, do: { status, html: true } });
      const refused = await api.get(padded(api, 32_000));
      expect([refused.status, refused.headers.get('content-type')]).toEqual([status, 'text/html']);
      expect((await api.get(padded(api, 20_000))).status).toBe(200);
    });
  }

  it('an address for a wide table can be as long as the sum of its column names', async () => {
    await using api = await EmulatedApi.open();
    const { store } = api.emulator;
    for (let index = 0; index < 30; index += 1) {
      store.addColumn('account', text(`new_${'Wide'.repeat(10)}${index}`, ['Wide', 'Breit']));
    }
    const names = store.data('account').properties;
    expect((await api.get(`accounts?$select=${names.join(',')}`)).status).toBe(200);
  });
});
