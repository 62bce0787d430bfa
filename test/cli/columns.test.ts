import { describe, expect, it } from 'vitest';
import type { ColumnList, ListedAttribute } from '../../src/operations/column-list.ts';
import { openBench } from '../support/bench.ts';

const NO_DATABASE = { DATABASE_URL: '' };

describe('columns', () => {
  it('columns tells for each attribute its type, its columns, its languages, or why it is left out', async () => {
    await using bench = await openBench([], {
      ...NO_DATABASE,
      MIRRORVERSE_HASH_KEY: 'a key of many letters',
    });
    const { cli, emulator } = bench;
    await cli.file(
      'mirrorverse.yaml',
      'tables: [{ name: account, columns: { exclude: ["address1_*"], hash: [emailaddress1] } }]',
    );
    const { status, document } = await cli.json(['columns', 'account']);
    expect(status).toBe(0);
    const { table, mirrorTable, attributes } = document as ColumnList;
    expect({ table, mirrorTable }).toEqual({ table: 'account', mirrorTable: '"dataverse"."account"' });
    const known = [...(emulator.store.tables.get('account')?.columns ?? [])].map(
      ({ logicalName }) => logicalName,
    );
    expect(attributes.map(({ attribute }) => attribute)).toEqual(expect.arrayContaining(known));

    const told = new Map(attributes.map((each): [string, ListedAttribute] => [each.attribute, each]));
    expect(told.get('ownerid')).toEqual({
      attribute: 'ownerid',
      type: 'Owner',
      displayName: 'Owner',
      columns: [
        { name: 'ownerid', type: 'uuid' },
        { name: 'ownerid_entitytype', type: 'text' },
      ],
      languages: [1031, 1033],
      leftOut: null,
    });
    expect(told.get('emailaddress1')?.columns).toEqual([{ name: 'emailaddress1', type: 'text' }]);
    const reasons = ['address1_city', 'owneridname', 'entityimage', 'entityimage_url', 'new_portalpassword'];
    expect(reasons.map((name) => told.get(name)?.leftOut)).toEqual([
      'columns.exclude has address1_*',
      'label companion of ownerid',
      'an image: only if columns.include names it',
      'it repeats entityimageid: only if columns.include names it',
      'not readable',
    ]);
    expect(attributes.filter(({ columns, leftOut }) => columns.length === 0 && leftOut === null)).toEqual([]);
  });

  it('columns fits 80 columns and needs neither a configured table nor change tracking', async () => {
    await using bench = await openBench([], NO_DATABASE);
    for (const table of ['account', 'task', 'new_untracked']) {
      const { status, stdout } = await bench.cli.run(['columns', table]);
      expect(status).toBe(0);
      expect(stdout).toMatch(/^column +type +attribute +languages$/m);
      expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    }
  });

  it('columns names the nearest table if the environment has none of that name', async () => {
    await using bench = await openBench([], NO_DATABASE);
    const { status, stderr } = await bench.cli.run(['columns', 'Acount']);
    expect(status).toBe(1);
    expect(stderr).toContain('did you mean account?');
    expect((await bench.cli.run(['columns'])).status).toBe(2);
  });
});
