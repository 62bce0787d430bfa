import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePage, type ParsedPage } from '../../src/dataverse/page/page-parser.ts';
import { RowShape } from '../../src/dataverse/page/row-collector.ts';
import { fixtureJson, fixtureText } from './fixture.ts';
import { stringText } from './json-text.ts';
import { bytesOf, literals } from './page-rows.ts';

const shape = new RowShape(['contactid', 'fullname']);
const parse = (text: string): ParsedPage => parsePage(bytesOf(text), shape);

test('a page with both links leads to the next page, whichever comes first', () => {
  const next = { kind: 'next', url: 'n' };
  expect(parse('{"value":[],"@odata.nextLink":"n","@odata.deltaLink":"d"}').link).toEqual(next);
  expect(parse('{"@odata.deltaLink":"d","@odata.nextLink":"n","value":[]}').link).toEqual(next);
});

test('a page without a link has none', () => {
  expect(parse('{"value":[]}').link).toBeNull();
  expect(parse('{"value":[],"@odata.nextLink":null}').link).toBeNull();
});

test('a link inside a row is no link of the page', () => {
  expect(
    parse('{"value":[{"contactid":"1","contact_x@odata.nextLink":"n","@odata.nextLink":"n"}]}').link,
  ).toBeNull();
});

test('a link keeps every character, however JSON writes it', () => {
  const link = stringText(fc.string({ unit: 'grapheme', minLength: 1 }));
  fc.assert(
    fc.property(link, (text) => {
      const page = parse(`{"@odata.deltaLink":${text},"value":[]}`);
      expect(page.link).toEqual({ kind: 'delta', url: JSON.parse(text) as unknown });
    }),
  );
});

test('the documented first page of a load has its rows and its next link byte for byte', () => {
  const [sample] = fixtureJson('paging-docs.json') as [{ body: { '@odata.nextLink': string } }];
  const page = parse(JSON.stringify(sample.body));
  expect(page.link).toEqual({ kind: 'next', url: sample.body['@odata.nextLink'] });
  expect(literals(page)).toEqual([
    ['"49b0be2e-d01c-ed11-b83e-000d3a572421"', '"Yvonne McKay (sample)"'],
    ['"70bf4d48-34cb-ed11-b596-0022481d68cd"', '"Susanna Stubberod (sample)"'],
  ]);
});

test('the documented last page of a load has its row and its delta link', () => {
  const page = parsePage(
    bytesOf(fixtureText('delta-initial-docs.json')),
    new RowShape(['accountid', 'accountnumber', 'fax']),
  );
  expect(page.link).toEqual({
    kind: 'delta',
    url: '[Organization URI]/api/data/v9.0/accounts?$select=name,accountnumber,telephone1,fax&$deltatoken=919042%2108%2f22%2f2017%2008%3a10%3a44',
  });
  expect(literals(page)).toEqual([['"60c4e274-0d87-e711-80e5-00155db19e6d"', null, '"10101"']]);
});
