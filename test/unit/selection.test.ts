import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  calculatedColumns,
  omittedMembers,
  query,
  selectionOfLink,
  storedSelection,
  wideSelection,
} from '../../src/dataverse/feed/selection.ts';
import { keyFilter, keysInRequest, memberGroups } from '../../src/dataverse/feed/side-plan.ts';
import type { Column } from '../../src/model/table.ts';
import { column, sampleTable } from './sample-table.ts';

const LOOKUP = [
  column('ownerid', 'uuid', { property: '_ownerid_value' }),
  column('ownerid_entitytype', 'text', {
    property: '_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname',
    selectable: false,
  }),
];
const calculated = (name: string): Column => column(name, 'text', { derived: 'calculated' });

describe('the selection of a first request', () => {
  it('the selection of a first request names every selectable property in the order of the columns', () => {
    const table = sampleTable([...LOOKUP, calculated('total')]);
    expect(query(wideSelection(table))).toBe('?$select=accountid,versionnumber,_ownerid_value,total');
  });

  it('the selection is left out where its names are too long for a URL', () => {
    const many = Array.from({ length: 800 }, (_, at) => column(`new_${'x'.repeat(30)}${at}`, 'text'));
    expect(wideSelection(sampleTable(many))).toBeNull();
    expect(query(null)).toBe('');
    expect(query(null, '$orderby=accountid%20asc')).toBe('?$orderby=accountid%20asc');
  });

  it('the selection without calculated columns still begins with the key and keeps what fits', () => {
    const many = Array.from({ length: 800 }, (_, at) => column(`new_${'x'.repeat(30)}${at}`, 'text'));
    const table = sampleTable([...many, calculated('total'), column('sum', 'text', { derived: 'rollup' })]);
    const stored = storedSelection(table);
    expect(stored.slice(0, 2)).toEqual(['accountid', 'versionnumber']);
    expect(stored).not.toContain('total');
    expect(query(stored).length).toBeLessThanOrEqual(20_001);
    const beside = omittedMembers(table, stored).map(({ property }) => property);
    expect([...stored, ...beside].toSorted()).toEqual(
      table.columns.map(({ property }) => property).toSorted(),
    );
  });

  it('the selection leaves out a lookup together with the table that it points to', () => {
    const table = sampleTable(LOOKUP);
    expect(omittedMembers(table, ['accountid', 'versionnumber'])).toEqual([
      { property: '_ownerid_value', fields: [2, 3], calculated: false },
    ]);
    expect(omittedMembers(table, null)).toEqual([]);
  });

  it('the selection counts calculated and formula columns, and not the stored results of rollups', () => {
    const table = sampleTable([
      calculated('a'),
      column('b', 'text', { derived: 'formula' }),
      column('c', 'text', { derived: 'rollup' }),
    ]);
    expect(calculatedColumns(table, null)).toBe(2);
    expect(calculatedColumns(table, ['accountid', 'b', 'c'])).toBe(1);
  });
});

const of = (options: string): unknown => selectionOfLink(`https://org/api/data/v9.2/accounts?${options}`);

describe('the selection of a link', () => {
  it('the selection of a link is found however the link encodes it', () => {
    for (const select of [
      '$select=name,a_b',
      '%24select=name%2Ca_b',
      '$select=name%2ca%5Fb',
      '$select=name,+a_b',
    ]) {
      expect(of(`${select}&$deltatoken=1%212`)).toEqual(['name', 'a_b']);
      expect(of(`$skiptoken=x&${select}`)).toEqual(['name', 'a_b']);
    }
  });

  it('the selection of a link is everything where the link names none', () => {
    expect(of('$deltatoken=919042%2108%2f22%2f2017')).toBeNull();
    expect(of('$select=*&$deltatoken=1')).toBeNull();
  });
});

describe('side reads of a page', () => {
  const member = fc
    .record({ name: fc.stringMatching(/^[a-z_]{1,60}$/), calculated: fc.boolean() })
    .map(({ name, ...rest }) => ({ property: name, fields: [0], ...rest }));

  it('side reads of a page name every member once, no more calculated ones than allowed, in a URL that its links can repeat', () => {
    fc.assert(
      fc.property(fc.array(member, { maxLength: 400 }), fc.integer({ min: 1, max: 60 }), (members, limit) => {
        const groups = memberGroups(members, limit);
        expect(groups.flat()).toEqual(members);
        for (const group of groups) {
          expect(group.length).toBeGreaterThan(0);
          expect(group.filter((each) => each.calculated).length).toBeLessThanOrEqual(limit);
          const base = 'https://contoso.crm.dynamics.com/api/data/v9.2/accounts';
          const select = ['accountid', ...group.map(({ property }) => property)];
          const ids = Array.from(
            { length: keysInRequest(base, 'accountid', select) },
            () => '11111111-2222-4333-8444-555555555555',
          );
          expect(ids.length).toBeGreaterThan(200);
          const url = new URL(base + query(select, keyFilter('accountid', ids))).href;
          expect(url.replaceAll(',', '%2C').length).toBeLessThanOrEqual(24_100);
        }
      }),
    );
  });
});
