import { describe, expect, it } from 'vitest';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';

const OPTIONS: SyncOptions = { pageSize: 40 };

/** Whom the views in the shape of Fivetran's tell of. */
async function organizations(bench: SyncBench): Promise<unknown[]> {
  return bench.database.query('SELECT DISTINCT organizationid AS id FROM dynamics_365.stringmap');
}

/** Environments that do not notice that a token is ahead of them, and those that refuse it. */
const AHEAD = ['empty', 'error'] as const;

/**
 * A table mirrored, changed in every way after a backup was taken, mirrored again, and then restored
 * from that backup: of what is in the mirror, much never was.
 */
async function restored(bench: SyncBench, options: SyncOptions = OPTIONS): Promise<string[]> {
  const { store } = bench.emulator;
  const ids = store.seed('account', 100);
  await bench.sync(['account'], options);
  const backup = store.snapshot();
  for (const id of ids.slice(0, 10)) store.remove('account', id);
  for (const id of ids.slice(10, 20)) store.update('account', id, { name: 'of a time that never was' });
  store.seed('account', 10);
  await bench.sync(['account'], options);
  store.resetTo(backup);
  return ids;
}

async function isEqual(bench: SyncBench): Promise<void> {
  expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
}

async function stored(bench: SyncBench): Promise<unknown> {
  const [row] = await bench.database.query('SELECT phase, rewound FROM mirrorverse.tables');
  return row;
}

describe('an environment restored from a backup', () => {
  it('a verification begins anew if the environment is restored under it', async () => {
    await using bench = await SyncBench.open();
    const { store, settings } = bench.emulator;
    await using session = await bench.session(['account'], OPTIONS);
    const ids = store.seed('account', 100);
    await session.sync();
    const backup = store.snapshot();
    for (const id of ids) store.update('account', id, { name: 'of a time that never was' });
    await session.sync();
    let page = 0;
    // After a delta and two of three pages, in which each row was as the mirror has it.
    settings.onPage = () => {
      if (page++ === 2) store.resetTo(backup);
    };
    expect(await session.verify('account', 'sweep')).toMatchObject({ rows: 100, differences: 0 });
    await isEqual(bench);
  });

  for (const tokenAhead of AHEAD) {
    for (const softDeletes of [false, true]) {
      const how = `tokens ahead: ${tokenAhead}, soft deletes: ${softDeletes}`;

      it(`an environment restored from a backup is noticed, reported once and mirrored again in one pass; ${how}`, async () => {
        await using bench = await SyncBench.open();
        bench.emulator.settings.tokenAhead = tokenAhead;
        const warnings: string[] = [];
        const options = { ...OPTIONS, softDeletes, warn: (message: string) => warnings.push(message) };
        await restored(bench, options);
        expect(failures(await bench.sync(['account'], options))).toEqual({});
        await isEqual(bench);
        expect(warnings.filter((message) => message.includes('gone back in time'))).toHaveLength(1);
        expect(await stored(bench)).toEqual({ phase: 'delta', rewound: false });
        expect(failures(await bench.sync(['account'], options))).toEqual({});
        expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(2);
      });

      it(`changes that are written after a restore are followed; ${how}`, async () => {
        await using bench = await SyncBench.open();
        const { store, settings } = bench.emulator;
        settings.tokenAhead = tokenAhead;
        const options = { ...OPTIONS, softDeletes };
        const ids = await restored(bench, options);
        // Versions below those that the mirror has of the same rows, given out a second time.
        store.update('account', ids[10] as string, { name: 'after the restore' });
        store.remove('account', ids[11] as string);
        expect(failures(await bench.sync(['account'], options))).toEqual({});
        await isEqual(bench);
        store.update('account', ids[12] as string, { name: 'later' });
        store.remove('account', ids[13] as string);
        store.restore('account', ids[11] as string);
        expect(failures(await bench.sync(['account'], options))).toEqual({});
        await isEqual(bench);
      });
    }

    it(`a restored environment is mirrored right when rows change while it is loaded again; tokens ahead: ${tokenAhead}`, async () => {
      await using bench = await SyncBench.open();
      const { store, settings } = bench.emulator;
      settings.tokenAhead = tokenAhead;
      const ids = await restored(bench);
      let round = 0;
      settings.onPage = ({ kind, pageNumber }) => {
        if (kind !== 'baseline' || pageNumber > 2) return;
        round++;
        for (const at of [0, 10, 20, 60, 90])
          store.update('account', ids[at + round] as string, { name: 'now' });
        for (const at of [5, 15, 50, 70]) store.remove('account', ids[at + round] as string);
      };
      expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
      await isEqual(bench);
    });
  }

  it('a restore is not forgotten with the process that noticed it', async () => {
    await using bench = await SyncBench.open();
    const { store, faults } = bench.emulator;
    await restored(bench);
    const fault = faults.add({ match: { kind: 'baseline' }, do: { status: 403, code: '0x80040220' } });
    expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({ account: 'privilege-missing' });
    expect(await stored(bench)).toEqual({ phase: 'rebaseline', rewound: true });
    fault.remove();
    // By now its versions are beyond those of the mirror: nothing else would tell.
    store.seed('account', 200);
    expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
    await isEqual(bench);
  });

  it('a restore is not concluded from one odd answer: the same link, asked again, is followed', async () => {
    await using bench = await SyncBench.open();
    const { store, faults, requests } = bench.emulator;
    const ids = store.seed('account', 20);
    await bench.sync(['account'], OPTIONS);
    store.update('account', ids[0] as string, { name: 'changed' });
    const fault = faults.add({
      match: { kind: 'delta' },
      times: 1,
      do: { transformText: (text) => text.replace(/(?<=deltatoken=)\d+/, '1') },
    });
    const warnings: string[] = [];
    const options = { ...OPTIONS, warn: (message: string) => warnings.push(message) };
    const before = requests.count({ kind: 'delta' });
    expect(failures(await bench.sync(['account'], options))).toEqual({});
    expect(fault.hits).toBe(1);
    expect(requests.count({ kind: 'delta' }) - before).toBe(2);
    expect(requests.count({ kind: 'baseline' })).toBe(1);
    expect(warnings).toEqual([]);
    await isEqual(bench);
  });

  it('a restored environment is mirrored again from where the load stood when its process ended', async () => {
    await using bench = await SyncBench.open();
    const { faults, requests } = bench.emulator;
    await restored(bench);
    const fault = faults.add({
      match: { kind: 'next' },
      after: 1,
      do: { status: 403, code: '0x80040220' },
    });
    expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({ account: 'privilege-missing' });
    fault.remove();
    const loads = requests.count({ kind: 'baseline' });
    expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
    expect(requests.count({ kind: 'baseline' })).toBe(loads);
    await isEqual(bench);
  });

  it('a restore is noticed where the state was lost as well', async () => {
    await using bench = await SyncBench.open();
    await restored(bench);
    await bench.database.query('DELETE FROM mirrorverse.tables');
    expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
    await isEqual(bench);
  });

  it('a restore is noticed in the middle of a delta that was interrupted', async () => {
    await using bench = await SyncBench.open();
    const { store, faults, settings } = bench.emulator;
    settings.tokenFrom = 'last-page';
    const ids = store.seed('account', 100);
    await bench.sync(['account'], OPTIONS);
    const backup = store.snapshot();
    for (const id of ids) store.update('account', id, { name: 'of a time that never was' });
    const fault = faults.add({ match: { kind: 'next' }, after: 1, do: { status: 403, code: '0x80040220' } });
    expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({ account: 'privilege-missing' });
    fault.remove();
    store.resetTo(backup);
    expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
    await isEqual(bench);
  });

  it('a restore is followed by a table that is read completely each time', async () => {
    await using bench = await SyncBench.open();
    const options: SyncOptions = { ...OPTIONS, mode: 'snapshot' };
    await restored(bench, options);
    expect(failures(await bench.sync(['account'], options))).toEqual({});
    await isEqual(bench);
    expect(await stored(bench)).toEqual({ phase: 'delta', rewound: false });
  });

  it('a restore leaves no row behind whose successor was in quarantine for a while', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const ids = store.seed('account', 100);
    await bench.sync(['account'], OPTIONS);
    const [poisoned, mended] = [ids[30] as string, ids[31] as string];
    store.update('account', poisoned, { name: 'a NUL \u0000' });
    store.update('account', mended, { name: 'a NUL \u0000' });
    const backup = store.snapshot();
    for (const id of [poisoned, mended]) store.update('account', id, { name: 'of a time that never was' });
    await bench.sync(['account'], OPTIONS);
    expect(await bench.database.query('SELECT FROM mirrorverse.quarantine')).toHaveLength(0);
    store.resetTo(backup);
    const keys = 'SELECT key FROM mirrorverse.quarantine ORDER BY key';
    await bench.sync(['account'], OPTIONS);
    expect(await bench.database.query(keys)).toEqual([poisoned, mended].toSorted().map((key) => ({ key })));
    store.update('account', mended, { name: 'mended, and older than what never was' });
    await bench.sync(['account'], OPTIONS);
    expect(await bench.database.query(keys)).toEqual([{ key: poisoned }]);
    store.update('account', poisoned, { name: 'mended too' });
    await bench.sync(['account'], OPTIONS);
    expect(await bench.database.query(keys)).toEqual([]);
    await isEqual(bench);
  });
});

describe('another organization at the same address', () => {
  const OTHER = '77777777-7777-4777-8777-777777777777';

  it('another organization at the same address takes the place of the former one, table by table, in one pass', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const backup = store.snapshot();
    store.seed('account', 60);
    store.seed('contact', 20);
    await bench.sync(['account', 'contact'], OPTIONS);
    store.resetTo(backup);
    store.organizationId = OTHER;
    // Its versions are beyond those of the mirror: only the organization's id tells.
    store.seed('lead', 500);
    store.seed('account', 50);
    store.seed('contact', 18);
    const phases = await bench.sync(['account', 'contact'], OPTIONS);
    expect(failures(phases)).toEqual({});
    expect(phases.map(({ phase }) => phase)).toEqual(['rebaseline', 'rebaseline']);
    for (const table of ['account', 'contact']) {
      expect(await differences(store, bench.database, table)).toEqual([]);
    }
    expect(await bench.database.query('SELECT organization_id AS id FROM mirrorverse.environments')).toEqual([
      { id: OTHER },
    ]);
    const idle = await bench.sync(['account', 'contact'], OPTIONS);
    expect(idle.map(({ phase }) => phase)).toEqual(['delta', 'delta']);
  });

  it.each([
    [
      'under the lease',
      'UPDATE mirrorverse.definitions SET basis = NULL',
      { account: 'lease-lost' },
      { phase: 'rebaseline', rewound: true },
    ],
    ['before the lease was taken', 'SELECT', {}, { phase: 'delta', rewound: false }],
  ])(
    'another organization at the same address cannot be mixed with the former one by a page that was read of that one %s',
    async (_, edit, failed, left) => {
      await using bench = await SyncBench.open();
      const { store, settings } = bench.emulator;
      const ids = store.seed('account', 60);
      await bench.sync(['account'], OPTIONS);
      for (const id of ids) store.update('account', id, { name: 'changed' });
      await bench.database.query(edit);
      let replaced: Promise<unknown> | undefined;
      settings.onPage = async ({ kind }) => {
        if (kind !== 'delta' || replaced !== undefined) return;
        store.organizationId = OTHER;
        replaced = bench
          .session(['account'], OPTIONS)
          .then(async (session) => session[Symbol.asyncDispose]());
        await replaced;
      };
      expect(failures(await bench.sync(['account'], OPTIONS))).toEqual(failed);
      expect(await stored(bench)).toEqual(left);
      expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
      await isEqual(bench);
    },
  );

  describe('the organization that the views show', () => {
    const options: SyncOptions = { ...OPTIONS, labels: { fivetran: 'dynamics_365' } };

    it('the organization that the views show changes in a running process', async () => {
      await using bench = await SyncBench.open();
      const { store } = bench.emulator;
      const backup = store.snapshot();
      store.seed('account', 60);
      await using session = await bench.session(['account'], options);
      await session.sync();
      expect(await organizations(bench)).toEqual([{ id: store.organizationId }]);
      store.resetTo(backup);
      store.organizationId = OTHER;
      store.seed('account', 50);
      await session.sync();
      expect(failures(await session.sync())).toEqual({});
      expect(await organizations(bench)).toEqual([{ id: OTHER }]);
    });

    it('the organization that the views show changes in the next process, although its metadata has the same version', async () => {
      await using bench = await SyncBench.open();
      const { store } = bench.emulator;
      store.seed('account', 5);
      await bench.sync(['account'], options);
      store.organizationId = OTHER;
      expect(failures(await bench.sync(['account'], options))).toEqual({});
      expect(await organizations(bench)).toEqual([{ id: OTHER }]);
    });
  });

  it('another organization at another address is refused', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 5);
    await bench.sync(['account']);
    await bench.database.query(`UPDATE mirrorverse.environments SET url = 'https://elsewhere.example'`);
    bench.emulator.store.organizationId = OTHER;
    await expect(bench.sync(['account'])).rejects.toMatchObject({ code: 'environment-changed' });
  });
});
