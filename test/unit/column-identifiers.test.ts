import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { columnIdentifiers } from '../../src/mirror/table/identifier.ts';
import { mirrorTable } from '../../src/mirror/table/mirror-table.ts';
import { column, sampleTable } from './sample-table.ts';

const RESERVED = ['_mirrored_at', '_deleted_at'];
const names = fc.uniqueArray(
  fc.oneof(
    fc.constantFrom(...RESERVED, 'name', 'a'.repeat(63)),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }),
    fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 60, maxLength: 70 }),
  ),
);

test('the columns of a table have different names of at most 63 bytes, none of them reserved', () => {
  fc.assert(
    fc.property(names, (attributes) => {
      const identifiers = [...columnIdentifiers(attributes, RESERVED).values()];
      expect(identifiers).toHaveLength(attributes.length);
      expect(new Set([...identifiers, ...RESERVED]).size).toBe(attributes.length + RESERVED.length);
      for (const identifier of identifiers) expect(Buffer.byteLength(identifier)).toBeLessThanOrEqual(63);
    }),
  );
});

test('a name that is neither long nor taken stays as it is', () => {
  const attributes = ['accountid', 'Name', 'restrictGuestUserAccess', 'select', '_ownerid_value'];
  expect([...columnIdentifiers(attributes, RESERVED).values()]).toEqual(attributes);
});

test('an attribute called like a column of the mirror gets a hash', () => {
  expect(columnIdentifiers(['_mirrored_at'], RESERVED).get('_mirrored_at')).toMatch(
    /^_mirrored_at_[0-9a-f]{8}$/,
  );
});

test('an attribute called like the shortened form of another gets another name', () => {
  const long = 'c'.repeat(70);
  const shortened = columnIdentifiers([long], []).get(long) ?? '';
  const both = columnIdentifiers([long, shortened], []);
  expect(both.get(long)).toBe(shortened);
  expect(both.get(shortened)).not.toBe(shortened);
});

test('an attribute called like the companion column of another leaves both their columns', () => {
  const companion = column('customerid_entitytype', 'text', {
    attribute: 'customerid',
    property: '_customerid_value@Microsoft.Dynamics.CRM.lookuplogicalname',
    selectable: false,
  });
  const table = sampleTable([
    column('customerid', 'uuid'),
    companion,
    column('customerid_entitytype', 'text'),
  ]);
  const identifiers = mirrorTable(table, 'dataverse', false).columns.map(({ identifier }) => identifier);
  expect(new Set(identifiers).size).toBe(identifiers.length);
});
