import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultHandle } from '../../src/emulator/faults/fault-script.ts';
import { customer, text } from '../../src/emulator/table-parts/column-kinds.ts';
import { auditColumns, primaryId } from '../../src/emulator/table-parts/standard-columns.ts';
import { CommandLine } from '../support/command-line.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';
import { smallTable } from '../support/small-table.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';

type Row = Record<string, unknown>;
type Kind = 'baseline' | 'delta' | 'next' | 'list' | 'row';

const ETAG = '@odata.etag';
const CUSTOMER = '_new_customerid_value';
const TYPE = `${CUSTOMER}@Microsoft.Dynamics.CRM.lookuplogicalname`;
const COMPANY = { table: 'account', id: '00000000-0000-4000-8000-0000000000aa' };
const PERSON = { table: 'contact', id: '00000000-0000-4000-8000-0000000000bb' };

let bench: SyncBench;
beforeAll(async () => {
  bench = await SyncBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

let tables = 0;

/** A table of its own for each test, in the bench that they share. */
class Things {
  readonly name: string;
  private readonly set: string;

  constructor() {
    const schemaName = `new_Thing${++tables}`;
    this.name = schemaName.toLowerCase();
    this.set = `${this.name}s`;
    const definition = smallTable(schemaName, {
      columns: [
        primaryId(`${schemaName}Id`, ['Thing', 'Ding']),
        text('new_Name', ['Name', 'Name'], 100, { isPrimaryName: true }),
        text('new_Note', ['Note', 'Notiz'], 100),
        customer('new_CustomerId', ['Customer', 'Kunde']),
        ...auditColumns(),
      ],
    });
    bench.emulator.store.addTable(definition);
  }

  add(count: number): string[] {
    return Array.from({ length: count }, (_, at) =>
      bench.emulator.store.insert(this.name, {
        new_name: `name ${at}`,
        new_note: `note ${at}`,
        new_customerid: COMPANY,
      }),
    );
  }

  update(ids: readonly string[], values: Parameters<typeof bench.emulator.store.update>[2]): void {
    for (const id of ids) bench.emulator.store.update(this.name, id, values);
  }

  /** Changes rows of answers of these kinds from now on. */
  alter(kinds: readonly Kind[], change: (row: Row) => void, only: readonly string[] = []): FaultHandle {
    const alterRow = (row: Row): void => {
      if (row[ETAG] !== undefined && (only.length === 0 || only.includes(this.idOf(row)))) change(row);
    };
    const transform = (json: unknown): unknown => {
      const { value } = json as { value?: Row[] };
      for (const row of value ?? [json as Row]) alterRow(row);
      return json;
    };
    return bench.emulator.faults.add({
      match: { kind: kinds, path: `/${this.set}` },
      do: { transform },
    });
  }

  idOf(row: Row): string {
    return String(row[`${this.name}id`]);
  }

  /** A pass that succeeds; requests for rows that it took. */
  async pass(options: SyncOptions = {}, restart = false): Promise<number> {
    bench.emulator.requests.clear();
    const failed = failures(await bench.sync([this.name], options, { restart }));
    if (Object.keys(failed).length > 0) throw new Error(JSON.stringify(failed));
    return bench.dataRequests(this.name);
  }

  async rows(): Promise<Row[]> {
    return bench.database.query(
      `SELECT ${this.name}id::text AS id, new_name AS name, new_note AS note, new_customerid::text AS customer,
         new_customerid_entitytype AS type, versionnumber::text AS version
       FROM dataverse.${this.name} ORDER BY versionnumber`,
    );
  }

  async row(id: string | undefined): Promise<Row | undefined> {
    return (await this.rows()).find((row) => row['id'] === id);
  }

  /** Reasons of rows in quarantine, by key. */
  async quarantine(): Promise<Record<string, string>> {
    const rows = await bench.database.query(
      `SELECT key, reason FROM mirrorverse.quarantine WHERE "table" = '${this.name}'`,
    );
    return Object.fromEntries(rows.map(({ key, reason }) => [String(key), String(reason)]));
  }
}

/** Leaves out what is null. */
function omitted(row: Row): void {
  for (const [name, value] of Object.entries(row)) if (value === null) delete row[name];
}

/** Takes the version from a row, wherever it may stand. */
function unversioned(row: Row): void {
  delete row[ETAG];
  delete row['versionnumber'];
}

describe('a row without a version', () => {
  it('a row without a version is read again, along with the others of its page, however the version is missing', async () => {
    const without: ((row: Row) => void)[] = [
      unversioned,
      (row) => Object.assign(row, { [ETAG]: null, versionnumber: null }),
      (row) => Object.assign(row, { [ETAG]: 'W/"abc"', versionnumber: 'abc' }),
      (row) => Object.assign(row, { [ETAG]: 'W/"-5"', versionnumber: -5 }),
      (row) => Object.assign(row, { [ETAG]: 'W/"1.5"', versionnumber: 1.5 }),
      (row) => Object.assign(row, { [ETAG]: `W/"${'9'.repeat(40)}"`, versionnumber: '9'.repeat(40) }),
      (row) => Object.assign(row, { [ETAG]: '', versionnumber: '' }),
    ];
    const things = new Things();
    const ids = things.add(without.length + 1);
    await things.pass();
    things.update(ids, { new_name: 'changed' });
    const fault = things.alter(['delta'], (row) => without[ids.indexOf(things.idOf(row))]?.(row));
    expect(await things.pass()).toBe(2);
    fault.remove();
    expect((await things.rows()).map(({ name }) => name)).toEqual(ids.map(() => 'changed'));
    expect(await things.quarantine()).toEqual({});
  });

  it('a row without a version has that of its etag, where an etag came', async () => {
    const without: ((row: Row) => void)[] = [
      (row) => delete row['versionnumber'],
      (row) => Object.assign(row, { versionnumber: null }),
      (row) => Object.assign(row, { versionnumber: -1 }),
      (row) => Object.assign(row, { versionnumber: null, [ETAG]: String(row[ETAG]).slice(2) }),
    ];
    const things = new Things();
    const ids = things.add(without.length);
    const fault = things.alter(['baseline', 'delta', 'row'], (row) =>
      without[ids.indexOf(things.idOf(row))]?.(row),
    );
    expect(await things.pass()).toBe(2);
    things.update(ids, { new_name: 'changed' });
    expect(await things.pass()).toBe(1);
    fault.remove();
    const rows = await things.rows();
    expect(rows.map(({ name }) => name)).toEqual(ids.map(() => 'changed'));
    expect(rows.filter(({ version }) => version === null)).toEqual([]);
  });

  it('a row without a version in every answer stays as it was, is reported in quarantine, survives a re-baseline, and leaves with a version', async () => {
    const things = new Things();
    const ids = things.add(4);
    await things.pass();
    const [lost] = ids;
    things.update(ids, { new_name: 'changed' });
    const fault = things.alter(['baseline', 'delta', 'list', 'row'], unversioned, [lost ?? '']);
    for (const restart of [false, true]) {
      await things.pass({}, restart);
      expect(await things.quarantine()).toEqual({
        [lost ?? '']: expect.stringContaining('no row version') as string,
      });
      expect(await things.rows()).toHaveLength(4);
      expect(await things.row(lost)).toMatchObject({ name: 'name 0' });
      expect(await things.row(ids[1])).toMatchObject({ name: 'changed' });
    }
    fault.remove();
    things.update([lost ?? ''], { new_name: 'again' });
    await things.pass();
    expect(await things.quarantine()).toEqual({});
    expect(await things.row(lost)).toMatchObject({ name: 'again' });
  });

  it('a row without a version is stored where the mirror does not have the row, and gets its version later', async () => {
    const things = new Things();
    const ids = things.add(3);
    const fault = things.alter(['baseline', 'delta', 'list', 'row'], unversioned, ids.slice(0, 1));
    await things.pass();
    expect(await things.row(ids[0])).toMatchObject({ name: 'name 0', version: null });
    fault.remove();
    things.update(ids, { new_name: 'changed' });
    await things.pass();
    expect(await things.row(ids[0])).toMatchObject({
      name: 'changed',
      version: expect.any(String) as string,
    });
  });
});

describe('a lookup without its table', () => {
  it('a lookup without its table gets it by reading the row again, however it is missing', async () => {
    const without: ((row: Row) => void)[] = [
      (row) => delete row[TYPE],
      ...['', ' ', null, 7, {}].map((type) => (row: Row) => Object.assign(row, { [TYPE]: type })),
    ];
    const things = new Things();
    const ids = things.add(without.length + 1);
    await things.pass();
    things.update(ids, { new_customerid: PERSON });
    const fault = things.alter(['delta'], (row) => without[ids.indexOf(things.idOf(row))]?.(row));
    expect(await things.pass()).toBe(2);
    fault.remove();
    for (const row of await things.rows())
      expect(row).toMatchObject({ customer: PERSON.id, type: 'contact' });
    expect(await things.quarantine()).toEqual({});
  });

  it.each<[string, (row: Row) => void]>([
    ['', (row) => delete row[TYPE]],
    [' and an empty one', (row) => (row[TYPE] = '')],
  ])(
    "a lookup whose table is missing in any answer keeps the one that is known for the same id, and never another id's%s",
    async (_, change) => {
      const things = new Things();
      const ids = things.add(3);
      await things.pass();
      const [same, other, none] = ids;
      things.update([same ?? ''], { new_name: 'changed' });
      things.update([other ?? ''], { new_customerid: PERSON });
      things.update([none ?? ''], { new_customerid: null });
      const added = bench.emulator.store.insert(things.name, { new_customerid: PERSON });
      const fault = things.alter(['delta', 'list', 'row'], change);
      await things.pass();
      fault.remove();
      expect(await things.row(same)).toMatchObject({
        name: 'changed',
        customer: COMPANY.id,
        type: 'account',
      });
      expect(await things.row(none)).toMatchObject({ customer: null, type: null });
      expect(await things.row(added)).toMatchObject({ customer: PERSON.id, type: null });
      expect(await things.row(other)).toMatchObject({ customer: COMPANY.id, type: 'account' });
      expect(Object.keys(await things.quarantine())).toEqual([other]);
      things.update([other ?? ''], { new_name: 'changed' });
      await things.pass();
      expect(await things.row(other)).toMatchObject({ customer: PERSON.id, type: 'contact' });
      expect(await things.quarantine()).toEqual({});
    },
  );

  it('a lookup without its table keeps the known one in a re-baseline too, and costs one request a page', async () => {
    const things = new Things();
    const ids = things.add(30);
    await things.pass();
    const fault = things.alter(['baseline', 'next', 'delta', 'list'], (row) => delete row[TYPE]);
    expect(await things.pass({ pageSize: 10 }, true)).toBe(3 + 3 + 1);
    fault.remove();
    for (const row of await things.rows())
      expect(row).toMatchObject({ customer: COMPANY.id, type: 'account' });
    expect(await things.rows()).toHaveLength(ids.length);
  });
});

describe('a member that one row of a page lacks', () => {
  it('a member that one row of a page lacks is read again, of all such rows at once, and overwrites nothing', async () => {
    const things = new Things();
    const ids = things.add(6);
    await things.pass();
    things.update(ids, { new_name: 'changed' });
    things.update(ids.slice(0, 1), { new_note: null });
    const fault = things.alter(['delta'], (row) => delete row['new_note'], ids.slice(0, 4));
    expect(await things.pass()).toBe(2);
    fault.remove();
    for (const [at, id] of ids.entries()) {
      expect(await things.row(id)).toMatchObject({ name: 'changed', note: at === 0 ? null : `note ${at}` });
    }
    expect(await things.quarantine()).toEqual({});
  });

  it.each<[string, Parameters<typeof bench.emulator.faults.add>[0]['do']]>([
    ['is refused', { status: 400, code: '0x80060888', message: 'Not supported.' }],
    ['has no such row', { transform: (json) => ({ ...(json as object), value: [] }) }],
    ['is no page', { body: 'hello' }],
  ])(
    'a member that one row of a page lacks sends its row to quarantine where the answer %s',
    async (_, answer) => {
      const things = new Things();
      const ids = things.add(3);
      await things.pass();
      things.update(ids, { new_name: 'changed' });
      const faults = [
        things.alter(['delta'], (row) => delete row['new_note'], ids.slice(0, 2)),
        bench.emulator.faults.add({ match: { kind: ['list', 'row'], path: things.name }, do: answer }),
      ];
      await things.pass();
      for (const fault of faults) fault.remove();
      expect(await things.quarantine()).toEqual(
        Object.fromEntries(
          ids.slice(0, 2).map((id) => [id, expect.stringMatching(/^column new_note: /) as string]),
        ),
      );
      expect(await things.row(ids[0])).toMatchObject({ name: 'name 0', note: 'note 0' });
      expect(await things.row(ids[2])).toMatchObject({ name: 'changed', note: 'note 2' });
      things.update(ids, { new_name: 'again' });
      await things.pass();
      expect(await things.quarantine()).toEqual({});
      expect(await things.row(ids[0])).toMatchObject({ name: 'again', note: 'note 0' });
    },
  );

  it('a row that lacks a member goes to quarantine where no answer has it and other nulls are spelled out, and stays when retried', async () => {
    const things = new Things();
    const ids = things.add(4);
    await things.pass();
    things.update(ids, { new_name: 'changed' });
    things.update(ids.slice(3), { new_note: null });
    const lost = ids.slice(0, 2);
    const fault = things.alter(['delta', 'list', 'row'], (row) => delete row['new_note'], lost);
    await things.pass();
    const reasons = Object.fromEntries(
      lost.map((id) => [id, expect.stringMatching(/^column new_note: its value did not come/) as string]),
    );
    expect(await things.quarantine()).toEqual(reasons);
    await using cli = await CommandLine.open(mirrorEnvironment(bench, [things.name]));
    const retry = async (): Promise<unknown> =>
      (await cli.json(['quarantine', 'retry', things.name])).document;
    expect(await retry()).toMatchObject({ tables: [{ stored: 0, gone: 0, quarantined: 2 }] });
    expect(await things.quarantine()).toEqual(reasons);
    expect(await things.row(ids[0])).toMatchObject({ name: 'name 0', note: 'note 0' });
    expect(await things.row(ids[3])).toMatchObject({ name: 'changed', note: null });
    fault.remove();
    expect(await retry()).toMatchObject({ tables: [{ stored: 2, gone: 0, quarantined: 0 }] });
    expect(await things.row(ids[0])).toMatchObject({ name: 'changed', note: 'note 0' });
  });

  it('a member that one row of a page lacks is not taken from a server that lags behind', async () => {
    const things = new Things();
    const ids = things.add(3);
    await things.pass();
    things.update(ids, { new_name: 'changed' });
    const faults = [
      things.alter(['delta'], (row) => delete row['new_note'], ids.slice(0, 2)),
      things.alter(['list'], (row) => Object.assign(row, { new_name: 'old', versionnumber: 1 })),
    ];
    await things.pass();
    for (const fault of faults) fault.remove();
    expect((await things.rows()).map(({ name }) => name)).not.toContain('old');
    expect(Object.keys(await things.quarantine()).toSorted()).toEqual(ids.slice(0, 2).toSorted());
  });

  it('a member that one row of a page lacks is null where the source leaves nulls out, at one request more for a page', async () => {
    const things = new Things();
    const ids = things.add(600);
    things.update(ids.slice(0, 500), { new_note: null });
    const fault = things.alter(['baseline', 'next', 'delta', 'list', 'row'], omitted);
    // Two pages, the first delta, and a look at the page that has both: on the other all are null.
    expect(await things.pass({ pageSize: 300 })).toBe(2 + 1 + 1);
    things.update(ids.slice(0, 550), { new_note: null, new_name: 'changed' });
    things.update(ids.slice(500), { new_name: 'changed' });
    expect(await things.pass()).toBe(2);
    fault.remove();
    const rows = await things.rows();
    expect(rows.filter(({ name }) => name === 'changed')).toHaveLength(600);
    expect(rows.filter(({ note }) => note !== null)).toHaveLength(50);
    expect(await things.quarantine()).toEqual({});
  });

  it('a member that no row of a page has is null', async () => {
    const things = new Things();
    const ids = things.add(2);
    await things.pass();
    things.update(ids, { new_note: null });
    const fault = things.alter(['delta'], (row) => delete row['new_note']);
    expect(await things.pass()).toBe(1);
    fault.remove();
    expect((await things.rows()).map(({ note }) => note)).toEqual([null, null]);
  });

  it('a member that many rows of a page lack is read again for each of them', async () => {
    const things = new Things();
    const ids = things.add(700);
    const fault = things.alter(['baseline'], (row) => delete row['new_note'], ids.slice(0, 650));
    expect(await things.pass()).toBeLessThan(10);
    fault.remove();
    expect((await things.rows()).filter(({ note }) => note === null)).toEqual([]);
    expect(await things.quarantine()).toEqual({});
  });
});
