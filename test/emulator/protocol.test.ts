import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataverseEmulator } from '../../src/emulator/dataverse-emulator.ts';

const BEARER = { authorization: 'Bearer emulator-token' };
const TRACKED = { ...BEARER, prefer: 'odata.track-changes,odata.maxpagesize=10' };

function code(answer: { json: () => Record<string, unknown> }): unknown {
  return (answer.json()['error'] as { code?: unknown } | undefined)?.code;
}

/** What the emulator says on the wire, against what is documented of the real thing. */
describe('the emulator', () => {
  let emulator: DataverseEmulator;
  let api = '';
  beforeEach(async () => {
    emulator = new DataverseEmulator({ seed: 3 });
    api = `${await emulator.listen()}/api/data/v9.2`;
  });
  afterEach(async () => emulator.close());

  async function get(path: string, headers: Record<string, string> = BEARER) {
    const response = await fetch(path.startsWith('http') ? path : `${api}/${path}`, { headers });
    const text = await response.text();
    const json = (): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;
    return { status: response.status, headers: response.headers, text, json };
  }

  it('the emulator challenges a request without a bearer token', async () => {
    const answer = await get('WhoAmI', {});
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer authorization_uri=.*resource_id=/);
  });

  for (const option of ['$filter=statecode eq 0', '$orderby=name', '$top=5', '$expand=primarycontactid']) {
    it(`the emulator rejects ${option.split('=')[0]} while tracking`, async () => {
      const answer = await get(`accounts?${encodeURI(option)}`, TRACKED);
      expect(answer.status).toBe(400);
      expect(answer.text).toContain("isn't supported when Change Tracking is enabled");
    });
  }

  it('the emulator writes numbers as they are, in digits that JavaScript would lose', async () => {
    const id = emulator.store.insert('account', { revenue: { number: '922337203685477.5807' } });
    const row = await get(`accounts(${id})?$select=revenue,versionnumber`);
    expect(row.text).toContain('"revenue":922337203685477.5807');
    expect(row.text).toContain('_transactioncurrencyid_value');
    expect(row.text).toMatch(/"@odata.etag":"W\/\\"\d+\\""/);
  });

  it('the emulator puts annotations before the value they describe', async () => {
    const contact = emulator.store.insert('contact', { firstname: 'Ann' });
    const id = emulator.store.insert('incident', { customerid: { table: 'contact', id: contact } });
    const annotation = 'Microsoft.Dynamics.CRM.lookuplogicalname';
    const row = await get(`incidents(${id})?$select=_customerid_value`, {
      ...BEARER,
      prefer: `odata.include-annotations="${annotation}"`,
    });
    const at = row.text.indexOf(`"_customerid_value@${annotation}":"contact"`);
    expect(at).toBeGreaterThan(0);
    expect(row.text.indexOf('"_customerid_value":')).toBeGreaterThan(at);
  });

  it('the emulator writes values first and nulls last, and the same columns in the same order for any selection', async () => {
    const selection = ['description', 'accountid', 'websiteurl', 'name', 'revenue', 'telephone1'];
    emulator.store.insert('account', { name: 'A', telephone1: '1' });
    emulator.store.insert('account', { websiteurl: '2', description: 'B' });
    const pages = [selection, selection.toReversed()].map(async (names) =>
      get(`accounts?$select=${names.join(',')}`),
    );
    const [rows = [], again] = (await Promise.all(pages)).map(
      (page) => page.json()['value'] as Record<string, unknown>[],
    );
    for (const row of rows) {
      const values = Object.values(row);
      expect(values.slice(values.indexOf(null)).every((value) => value === null)).toBe(true);
    }
    expect(new Set(rows.map((row) => Object.keys(row).join())).size).toBe(rows.length);
    expect(rows.map((row) => Object.keys(row))).toEqual(again?.map((row) => Object.keys(row)));
  });

  it('the emulator fixes the upper bound of a load with its first page', async () => {
    const ids = emulator.store.seed('account', 15);
    const first = (await get('accounts?$select=name', TRACKED)).json();
    emulator.store.update('account', ids[14] as string, { name: 'changed while paging' });
    const second = (await get(String(first['@odata.nextLink']), TRACKED)).json();
    const seen = [
      ...(first['value'] as { accountid: string }[]),
      ...(second['value'] as { accountid: string }[]),
    ];
    expect(seen.map((row) => row.accountid)).not.toContain(ids[14]);
    const delta = (await get(String(second['@odata.deltaLink']))).json();
    expect((delta['value'] as { accountid: string }[]).map((row) => row.accountid)).toEqual([ids[14]]);
  });

  it('the emulator makes delta tokens of version and time, in lower-case escapes', async () => {
    const page = (await get('accounts?$select=name', TRACKED)).json();
    expect(page['@odata.deltaLink']).toMatch(
      /\$deltatoken=\d+%21\d{2}%2f\d{2}%2f\d{4}%20\d{2}%3a\d{2}%3a\d{2}$/,
    );
  });

  it('the emulator answers an expired link with its code, and a garbled one as a bad request', async () => {
    const page = (await get('accounts?$select=name', TRACKED)).json();
    emulator.settings.expireTokens();
    const expired = await get(String(page['@odata.deltaLink']));
    expect([expired.status, code(expired)]).toEqual([400, '0x80044352']);
    expect((await get('accounts?$deltatoken=garbled', TRACKED)).status).toBe(400);
  });

  it('the emulator answers unknown properties, tables, rows and missing privileges with different codes', async () => {
    expect(code(await get('accounts?$select=nosuch', TRACKED))).toBe('0x80060888');
    expect((await get('nosuchs', TRACKED)).status).toBe(404);
    expect(code(await get('accounts(00000000-0000-4000-8000-000000000000)'))).toBe('0x80040217');
    emulator.settings.deniedTables.add('account');
    const denied = await get('accounts', TRACKED);
    expect([denied.status, code(denied)]).toEqual([403, '0x80040220']);
  });

  it('the emulator asks to slow down beyond the limit of requests', async () => {
    emulator.settings.limits.requests = 5;
    const answers = [];
    for (let request = 0; request < 7; request++) answers.push(await get('WhoAmI'));
    const refused = answers.filter((answer) => answer.status === 429);
    expect(refused).toHaveLength(2);
    expect(code(refused[0] as (typeof answers)[number])).toBe('0x80072322');
    expect(refused[0]?.headers.get('retry-after')).toMatch(/^\d+$/);
  });

  it('the emulator shows derived members of attributes only by their cast', async () => {
    const table = `EntityDefinitions(LogicalName='account')/Attributes`;
    expect((await get(`${table}?$select=LogicalName,Targets`)).status).toBe(400);
    const cast = (
      await get(`${table}/Microsoft.Dynamics.CRM.LookupAttributeMetadata?$select=LogicalName,Targets`)
    ).json();
    const owner = (cast['value'] as { LogicalName: string; Targets: string[] }[]).find(
      (attribute) => attribute.LogicalName === 'ownerid',
    );
    expect(owner?.Targets).toEqual(expect.arrayContaining(['systemuser', 'team']));
  });

  it('the emulator declares what activities inherit on their base type, and denies it in the flags', async () => {
    const flags = (
      await get(`EntityDefinitions(LogicalName='task')/Attributes?$select=LogicalName,IsValidODataAttribute`)
    ).json();
    const subject = (flags['value'] as { LogicalName: string; IsValidODataAttribute: boolean }[]).find(
      (attribute) => attribute.LogicalName === 'subject',
    );
    expect(subject?.IsValidODataAttribute).toBe(false);
    const csdl = (await get('$metadata')).text;
    expect(csdl).toMatch(/<EntityType Name="task" BaseType="mscrm.activitypointer"/);
    emulator.store.insert('task', { subject: 'call back' });
    expect((await get('tasks?$select=subject', TRACKED)).text).toContain('"subject":"call back"');
  });

  it('the emulator cuts an answer in the middle when it is told to', async () => {
    emulator.store.seed('account', 20);
    emulator.faults.add({ match: { table: 'account' }, times: 1, do: { cutAt: 500 } });
    await expect(get('accounts', TRACKED)).rejects.toThrow(/terminated|fetch failed/);
    expect((await get('accounts', TRACKED)).status).toBe(200);
  });
});
