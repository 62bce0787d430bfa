import { describe, expect, it } from 'vitest';
import { id, page, row, THING, tombstone } from '../support/hand-made.ts';
import { testMirror, WritingTable } from '../support/mirror.ts';

const QUARANTINE = 'SELECT key, version::int, reason, sqlstate FROM mirrorverse.quarantine ORDER BY key';

/** What PostgreSQL cannot store, by what it says of it. */
const POISON: Record<string, { literals: Record<string, string>; reason: RegExp; sqlstate: string | null }> =
  {
    'a NUL character': { literals: { name: '"a\\u0000b"' }, reason: /column name: a NUL/, sqlstate: null },
    'half a surrogate pair': { literals: { name: '"\\ud800"' }, reason: /surrogate/, sqlstate: null },
    'an integer out of range': {
      literals: { count: '2147483648' },
      reason: /count.*range/,
      sqlstate: '22003',
    },
    'a date that is none': { literals: { birthday: '"2023-02-30"' }, reason: /birthday/, sqlstate: '22008' },
    'text for a number': { literals: { amount: '"much"' }, reason: /amount.*type/, sqlstate: '22P02' },
  };

describe('quarantine', () => {
  for (const [what, { literals, reason, sqlstate }] of Object.entries(POISON)) {
    it(`takes a row with ${what}, and the rest of its page is stored`, async () => {
      await using test = await testMirror();
      const table = await WritingTable.open(test.mirror, THING);
      const good = Array.from({ length: 30 }, (_, at) => row(at + 10, at + 10));
      const result = await table.write(
        page([...good.slice(0, 17), row(1, 5, literals), ...good.slice(17)], 'delta'),
      );
      expect(result).toMatchObject({ written: 30, quarantined: 1 });
      const [found] = await test.database.query<{ reason: string }>(QUARANTINE);
      expect(found).toMatchObject({ key: id(1), version: 5, sqlstate });
      expect(found?.reason).toMatch(reason);
    });
  }

  it('lets a row go when a storable version of it comes', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 5, { count: '99999999999' })], 'delta'));
    await table.write(page([row(1, 6, { count: '1' })], 'delta'));
    expect(await test.database.query(QUARANTINE)).toEqual([]);
    expect(await test.database.query('SELECT count FROM dataverse.thing')).toEqual([{ count: 1 }]);
  });

  it('lets a row go when it is deleted at the source', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 5, { count: '99999999999' })], 'delta'));
    await table.write(page([tombstone(1)], 'delta'));
    expect(await test.database.query(QUARANTINE)).toEqual([]);
  });

  it('takes a row without a key', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page(['{"versionnumber":3,"name":"nobody"}', row(2, 2)], 'delta'));
    const [found] = await test.database.query<{ key: string; reason: string }>(QUARANTINE);
    expect(found).toMatchObject({
      key: expect.stringMatching(/^without a key, [0-9a-f]{16}$/) as string,
      version: 3,
    });
    expect(await test.database.query('SELECT FROM dataverse.thing')).toHaveLength(1);
  });

  it('does not quote the value that PostgreSQL refused', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 5, { amount: '"SECRET-CANARY"' })], 'delta'));
    expect(JSON.stringify(await test.database.query(QUARANTINE))).not.toContain('CANARY');
  });
});
