import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { IdleRun } from '../../src/mirror/lease/idle-runs.ts';
import { never, testMirror, type TestMirror } from '../support/mirror.ts';

const THING = `"table" = 'thing'`;
const RUN: IdleRun = {
  table: 'thing',
  fence: 7n,
  selection: 'thingid',
  followed: 'https://org/api/data/v9.2/things?$deltatoken=1',
  link: 'https://org/api/data/v9.2/things?$deltatoken=2',
  requests: 3,
};

/** What makes the state another one than the run took it to be. */
const TOUCHES: Readonly<Record<string, string>> = {
  'the lease was taken and given back': 'fence = fence + 1',
  'the state was lost': 'fence = 0',
  'another process has the lease': `lease_holder = 'another'`,
  'the link is another one': `link = 'https://moved/api/data/v9.2/things?$deltatoken=1'`,
  'the link is of another kind': `link_kind = 'next'`,
  'the link is gone': 'link = NULL, link_kind = NULL',
  'a re-baseline is under way': `phase = 'rebaseline'`,
  'the selection is another one': `selection = 'thingid,name'`,
  'a re-baseline is due': 'selection = NULL',
  'a person has paused the table': 'paused_at = now()',
  'a person has asked for a new baseline': 'resync_asked_at = now()',
  'another table has the name of the mirror table': 'mirror_oid = mirror_oid - 1',
  'the mirror table has another file': 'mirror_file = mirror_file - 1',
  'which table was loaded is not known': 'mirror_oid = NULL',
};

describe('an idle run', () => {
  let test: TestMirror;
  beforeAll(async () => {
    test = await testMirror();
    await query('CREATE SCHEMA IF NOT EXISTS dataverse');
    await query('CREATE TABLE dataverse.thing ()');
  });
  afterAll(async () => test[Symbol.asyncDispose]());

  async function query(sql: string): Promise<Record<string, unknown>[]> {
    return test.database.query(sql);
  }

  const state = async (): Promise<Record<string, unknown> | undefined> =>
    (await query(`SELECT * FROM mirrorverse.tables WHERE ${THING}`))[0];

  beforeEach(async () => {
    await query(
      `UPDATE mirrorverse.tables SET phase = 'delta', link = '${RUN.followed}', link_kind = 'delta',
        link_issued_at = now() - interval '1 day', selection = '${RUN.selection}', fence = ${RUN.fence},
        mirror_oid = 'dataverse.thing'::regclass::oid, mirror_file = pg_relation_filenode('dataverse.thing'),
        lease_holder = NULL, paused_at = NULL, resync_asked_at = NULL, failures = 2, error_code = 'whatever', requests = 10, idle_requests = 5
        WHERE ${THING}`,
    );
  });

  it('an idle run stores link, success and requests of its table alone, and raises its fence', async () => {
    const [other] = await query(`SELECT * FROM mirrorverse.tables WHERE "table" = 'account'`);
    expect(await test.mirror.storeIdleRun(RUN, never)).toBe(true);
    expect(await state()).toMatchObject({
      phase: 'delta',
      link: RUN.link,
      link_kind: 'delta',
      selection: RUN.selection,
      fence: '8',
      lease_holder: null,
      failures: 0,
      error_code: null,
      requests: '13',
      idle_requests: '8',
    });
    const fresh = `link_issued_at > now() - interval '1 minute' AND last_success_at >= link_issued_at`;
    expect(await query(`SELECT FROM mirrorverse.tables WHERE ${THING} AND ${fresh}`)).toHaveLength(1);
    expect((await query(`SELECT * FROM mirrorverse.tables WHERE "table" = 'account'`))[0]).toEqual(other);
  });

  it('an idle run is stored once', async () => {
    const runs = await Promise.all(
      Array.from({ length: 4 }, async () => test.mirror.storeIdleRun(RUN, never)),
    );
    expect(runs.filter((stored) => stored)).toHaveLength(1);
    expect(await state()).toMatchObject({ fence: '8', requests: '13' });
  });

  for (const [what, touch] of Object.entries(TOUCHES)) {
    it(`an idle run stores nothing where ${what}`, async () => {
      await query(`UPDATE mirrorverse.tables SET ${touch} WHERE ${THING}`);
      const before = await state();
      expect(await test.mirror.storeIdleRun(RUN, never)).toBe(false);
      expect(await state()).toEqual(before);
    });
  }

  it('an idle run stores nothing and does not wait while another transaction has touched the state', async () => {
    const client = await test.mirror.pool.connect();
    try {
      await client.query(`BEGIN; UPDATE mirrorverse.tables SET selection = NULL WHERE ${THING}`);
      expect(await test.mirror.storeIdleRun(RUN, never)).toBe(false);
      await client.query('ROLLBACK');
    } finally {
      client.release();
    }
    expect(await test.mirror.storeIdleRun(RUN, never)).toBe(true);
  });

  it('an idle run fails as other statements do where the state is gone', async () => {
    await query('ALTER TABLE mirrorverse.tables RENAME TO gone');
    try {
      await expect(test.mirror.storeIdleRun(RUN, never)).rejects.toMatchObject({
        details: { sqlstate: '42P01' },
      });
    } finally {
      await query('ALTER TABLE mirrorverse.gone RENAME TO tables');
    }
  });
});
