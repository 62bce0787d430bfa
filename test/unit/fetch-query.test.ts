import { describe, expect, it } from 'vitest';
import { fetchFilterProblem } from '../../src/config/fetch-filter.ts';
import { createFetchQuery } from '../../src/dataverse/fetchxml/fetch-query.ts';
import type { Column, Table } from '../../src/model/table.ts';

const column = (name: string, property = name): Column => ({
  name,
  type: 'text',
  attribute: name,
  property,
  selectable: true,
});
const TABLE: Table = {
  logicalName: 'account',
  entitySet: 'accounts',
  key: 'accountid',
  columns: [column('accountid'), column('name'), column('ownerid', '_ownerid_value')],
};
const FILTER = `<filter><condition attribute='name' operator='eq' value='O&apos;Neil &amp; "sons" 100%'/></filter>`;
const query = createFetchQuery(TABLE, FILTER);
const textOf = (url: string): string => decodeURIComponent(url.slice(url.indexOf('=') + 1));

// "Page results using FetchXml", the annotation of an answer.
const COOKIE = `<cookie pagenumber="2" pagingcookie="%253ccookie%2520page%253d%25221%2522%253e%253caccountid%2520last%253d%2522%257bA%257d%2522%2520first%253d%2522%257bB%257d%2522%2520%252f%253e%253c%252fcookie%253e" istracking="False" />`;

describe('a query in FetchXML', () => {
  it('a query in FetchXML names lookups by their logical names, and is in the order of the key', () => {
    const url = query.first(
      ['accountid', '_ownerid_value'],
      [{ attribute: 'accountid', operator: 'in', values: ['x'] }],
    );
    expect(url.startsWith('accounts?fetchXml=')).toBe(true);
    expect(textOf(url)).toBe(
      `<fetch count='5000' page='1'><entity name='account'><attribute name='accountid'/><attribute name='ownerid'/>` +
        `<filter type='and'>${FILTER}<condition attribute='accountid' operator='in'><value>x</value></condition></filter>` +
        `<order attribute='accountid'/></entity></fetch>`,
    );
    expect(query.selectionOf(url)).toEqual(['accountid', '_ownerid_value']);
    expect(query.selectionOf(query.first(null))).toBeNull();
  });

  it('a query in FetchXML goes on with the cookie of the answer, decoded twice, and with any number of rows', () => {
    const first = query.withRows(`https://org/api/data/v9.2/${query.first(['name'])}`, 7);
    const link = query.linkAfter(first, { cookie: COOKIE, more: true }, 7);
    expect(link?.kind).toBe('next');
    const cookie = `<cookie page="1"><accountid last="{A}" first="{B}" /></cookie>`.replaceAll('<', '&lt;');
    expect(textOf(link?.url ?? '')).toContain(`<fetch count='7' page='2' paging-cookie='${cookie}'>`);
    expect(textOf(query.withRows(link?.url ?? '', 3))).toContain(
      `<fetch count='3' page='2' paging-cookie='${cookie}'>`,
    );
    expect(query.selectionOf(link?.url ?? '')).toEqual(['name']);
  });

  it('a query in FetchXML ends only where the environment says so, or with a page that has room left', () => {
    const url = query.withRows(query.first(['name']), 7);
    expect(query.linkAfter(url, { cookie: COOKIE, more: false }, 7)).toBeNull();
    expect(query.linkAfter(url, {}, 6)).toBeNull();
    expect(query.linkAfter(url, { cookie: COOKIE }, 0)).toBeNull();
    expect(query.linkAfter(url, { cookie: COOKIE }, 3)?.kind).toBe('next');
    for (const paging of [{}, { more: true }, { more: true, cookie: '<cookie pagingcookie="%" />' }]) {
      expect(() => query.linkAfter(url, paging, 7)).toThrow('where the next page begins');
    }
  });
});

describe('a filter element', () => {
  it.each([
    [FILTER, undefined],
    [
      `\n<filter type="or"><filter/><condition attribute="a" operator="null"/></filter> <!-- all -->`,
      undefined,
    ],
    ['<filter/><filter/>', 'must be one filter element'],
    ['<filter/></entity><entity>', 'is not well-formed XML'],
    ['<filter>', 'is not well-formed XML'],
    ['<fetch/>', 'must be a filter element, and has fetch'],
    ['name eq 1', 'has text beside its filter element'],
    ['', 'must be one filter element'],
  ])('a filter element is judged: %s', (text, problem) => {
    expect(fetchFilterProblem(text)).toBe(problem);
  });
});
