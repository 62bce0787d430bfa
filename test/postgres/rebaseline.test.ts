import { describe, expect, it } from 'vitest';
import { takeLease } from '../../src/mirror/lease/leases.ts';
import { id, page, row, THING, THING_COLUMNS, thingWith, tombstone } from '../support/hand-made.ts';
import { polymorphic, tableOf } from '../support/labeled-mirror.ts';
import { testMirror, WritingTable, type TestMirror } from '../support/mirror.ts';

const KEYS = 'SELECT thingid::text AS key FROM dataverse.thing ORDER BY 1';

async function mirrored(test: TestMirror, softDeletes = false): Promise<void> {
  const table = await WritingTable.open(test.mirror, THING, { softDeletes });
  await table.write(page([row(1, 1), row(2, 2), row(3, 3), row(4, 4)], 'delta'), true);
  await table.writer.close();
}

describe('a re-baseline', () => {
  it('a re-baseline deletes what neither it nor its first delta saw, and only at the end of that delta', async () => {
    await using test = await testMirror();
    await mirrored(test);
    const table = await WritingTable.open(test.mirror, THING, { phase: 'rebaseline' });
    await table.write(page([row(1, 1)], 'next'));
    await table.write(page([row(5, 9)], 'delta'));
    expect(await test.database.query(KEYS)).toHaveLength(5);
    // Row 4 changed while the load paged: only the first delta has it.
    const result = await table.write(page([row(4, 11), tombstone(1)], 'delta'), true);
    expect(result.deleted).toBe(3);
    expect(await test.database.query(KEYS)).toEqual([{ key: id(4) }, { key: id(5) }]);
    expect(table.checkpoint.phase).toBe('delta');
  });

  it('a re-baseline leaves unchanged rows where they are', async () => {
    await using test = await testMirror();
    await mirrored(test);
    const places = 'SELECT ctid::text, xmin::text, xmax::text FROM dataverse.thing ORDER BY 1';
    const before = await test.database.query(places);
    const table = await WritingTable.open(test.mirror, THING, { phase: 'rebaseline' });
    await table.write(page([row(1, 1), row(2, 2), row(3, 3), row(4, 4)], 'delta'));
    await table.write(page([], 'delta'), true);
    expect(await test.database.query(places)).toEqual(before);
  });

  it('a re-baseline fills an added column of rows whose version did not change', async () => {
    await using test = await testMirror();
    await mirrored(test);
    const wider = thingWith([...THING_COLUMNS, ['added', 'text']]);
    const table = await WritingTable.open(test.mirror, wider, { phase: 'rebaseline' });
    await table.write(
      page([row(1, 1, { added: '"here"' }), row(2, 2), row(3, 3), row(4, 4)], 'delta', wider),
    );
    await table.write(page([], 'delta', wider), true);
    const rows = await test.database.query('SELECT added FROM dataverse.thing ORDER BY thingid');
    expect(rows).toEqual([{ added: 'here' }, { added: null }, { added: null }, { added: null }]);
  });

  it('a re-baseline fills the companion of a lookup that had one target for a while and has several again', async () => {
    await using test = await testMirror();
    const [lookup, companion] = polymorphic('parentid', ['account', 'contact']);
    if (lookup === undefined || companion === undefined) throw new Error('a lookup has two columns');
    const several = tableOf('thing', [lookup, companion]);
    const refills: boolean[] = [];
    for (const columns of [several, tableOf('thing', [lookup]), several, several]) {
      const taken = await takeLease(test.mirror.store, 'thing', 'test', 30_000);
      if (taken === null) throw new Error('the lease is held by another');
      refills.push((await test.mirror.prepare(columns, false, taken.lease)).refills);
    }
    // Rows written meanwhile have nothing in it, and the selection is the same: nothing else would tell.
    expect(refills).toEqual([false, false, true, false]);
  });

  it('a re-baseline mends a value that was changed by hand', async () => {
    await using test = await testMirror();
    await mirrored(test);
    await test.database.query(`UPDATE dataverse.thing SET name = 'by hand'`);
    const table = await WritingTable.open(test.mirror, THING, { phase: 'rebaseline' });
    await table.write(page([row(1, 1), row(2, 2), row(3, 3), row(4, 4)], 'delta'));
    const rows = await test.database.query('SELECT FROM dataverse.thing WHERE name IS NOT NULL');
    expect(rows).toEqual([]);
  });

  it('a re-baseline keeps a row that went to quarantine in it', async () => {
    await using test = await testMirror();
    await mirrored(test);
    const table = await WritingTable.open(test.mirror, THING, { phase: 'rebaseline' });
    await table.write(page([row(1, 7, { count: '99999999999' })], 'delta'));
    await table.write(page([], 'delta'), true);
    expect(await test.database.query(KEYS)).toEqual([{ key: id(1) }]);
  });

  it('a re-baseline goes on in another process where it stopped, sweep included', async () => {
    await using test = await testMirror();
    await mirrored(test);
    const first = await WritingTable.open(test.mirror, THING, { phase: 'rebaseline', holder: 'first' });
    await first.write(page([row(1, 1)], 'next'));
    await first.writer.close();
    await test.database.query('UPDATE mirrorverse.tables SET lease_holder = NULL');
    const second = await WritingTable.open(test.mirror, THING, { phase: 'stored', holder: 'second' });
    expect(second.checkpoint).toMatchObject({ phase: 'rebaseline', link: { kind: 'next' } });
    await second.write(page([row(2, 2)], 'delta'));
    await second.write(page([], 'delta'), true);
    expect(await test.database.query(KEYS)).toEqual([{ key: id(1) }, { key: id(2) }]);
  });

  it('a re-baseline marks what it did not see where deletes are soft', async () => {
    await using test = await testMirror();
    await mirrored(test, true);
    const table = await WritingTable.open(test.mirror, THING, { phase: 'rebaseline', softDeletes: true });
    await table.write(page([row(1, 1)], 'delta'));
    await table.write(page([], 'delta'), true);
    const live = await test.database.query(
      'SELECT thingid::text AS key FROM dataverse.thing WHERE _deleted_at IS NULL',
    );
    expect(live).toEqual([{ key: id(1) }]);
    expect(await test.database.query(KEYS)).toHaveLength(4);
  });
});
