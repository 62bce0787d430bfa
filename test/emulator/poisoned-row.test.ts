import { describe, expect, it } from 'vitest';
import { openBench } from '../support/bench.ts';
import { logLines } from '../support/command-line.ts';
import { differences } from '../support/oracle.ts';

const STORED = 'SELECT count(*)::int AS rows FROM dataverse.account';
const QUARANTINE = 'SELECT "table", key, reason FROM mirrorverse.quarantine';

describe('one poisoned row in a page of 5,000', () => {
  it('one poisoned row in a page of 5,000 goes to quarantine, the other 4,999 are stored, and it leaves when it is mended at the source', async () => {
    await using bench = await openBench(['account']);
    const { store, requests } = bench.emulator;
    store.seed('account', 2_600);
    const poisoned = store.insert('account', { name: 'a\0b' });
    store.seed('account', 2_399);

    const first = await bench.cli.json(['sync']);
    expect(first.status).toBe(1);
    expect(first.document).toMatchObject({
      tables: [{ table: 'account', rowsWritten: 4_999, rowsQuarantined: 1, quarantined: 1, error: null }],
    });
    expect(logLines(first.stderr)).toContainEqual(
      expect.objectContaining({
        table: 'account',
        quarantined: 1,
        msg: expect.stringContaining('mirrorverse quarantine account') as string,
      }),
    );
    expect(requests.count({ kind: 'baseline', table: 'account' })).toBe(1);
    expect(await bench.database.query(STORED)).toEqual([{ rows: 4_999 }]);
    expect(await bench.database.query(QUARANTINE)).toEqual([
      { table: 'account', key: poisoned, reason: expect.stringContaining('column name: a NUL') as string },
    ]);

    const { document: status } = await bench.cli.json(['status']);
    expect(status).toMatchObject({
      tables: [{ table: 'account', rows: 4_999, quarantined: 1, error: null }],
    });
    const { document: list } = await bench.cli.json(['quarantine', 'account']);
    expect(list).toMatchObject({ rows: [{ table: 'account', key: poisoned, sqlstate: null }] });
    // Nothing new at the source: the row is still there, and the exit status still says so.
    expect((await bench.cli.run(['sync'])).status).toBe(1);

    store.update('account', poisoned, { name: 'mended' });
    const second = await bench.cli.json(['sync']);
    expect(second).toMatchObject({ status: 0, document: { tables: [{ rowsWritten: 1, quarantined: 0 }] } });
    expect(await bench.database.query(QUARANTINE)).toEqual([]);
    expect(await differences(store, bench.database, 'account')).toEqual([]);
  });
});
