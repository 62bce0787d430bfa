import { expect, test } from 'vitest';
import { parsePage, parseRow, type ParsedPage } from '../../src/dataverse/page/page-parser.ts';
import { RowShape } from '../../src/dataverse/page/row-collector.ts';
import { fixtureText } from './fixture.ts';
import { bytesOf, literals } from './page-rows.ts';

const KEY = '2e451703-c686-e711-80e5-00155db19e6d';
const CONTEXT = '"@odata.context":"https://o/api/data/v9.2/$metadata#accounts/$deletedEntity"';

function parse(entries: readonly string[], properties: readonly string[] = ['accountid']): ParsedPage {
  return parsePage(bytesOf(`{"value":[${entries.join(',')}]}`), new RowShape(properties));
}

test('the documented delta has one row and one tombstone', () => {
  const page = parsePage(
    bytesOf(fixtureText('delta-changes-docs.json')),
    new RowShape(['accountid', 'name']),
  );
  expect(literals(page)).toEqual([['"60c4e274-0d87-e711-80e5-00155db19e6d"', '"Monte Orton"']]);
  expect(page.tombstones).toEqual([{ key: KEY, reason: 'deleted' }]);
});

test('a tombstone is recognized by its context, in any order of its members', () => {
  const members = [CONTEXT, `"id":"${KEY}"`, '"reason":"deleted"'];
  const orders = [members, members.toReversed(), [members[1] ?? '', members[0] ?? '', members[2] ?? '']];
  const page = parse(orders.map((order) => `{${order.join(',')}}`));
  expect(page.tombstones).toEqual(orders.map(() => ({ key: KEY, reason: 'deleted' })));
  expect(page.rows).toBe(0);
});

test('a row with id and reason but without the context is a row', () => {
  const page = parse([`{"id":"${KEY}","reason":"deleted","accountid":"a"}`]);
  expect(page.tombstones).toEqual([]);
  expect(literals(page)).toEqual([['"a"']]);
});

test('a table whose columns are called id and reason has both rows and tombstones', () => {
  const page = parse(
    [`{"id":"1","reason":"late"}`, `{${CONTEXT},"id":"${KEY}","reason":"changed"}`, `{"reason":"x"}`],
    ['id', 'reason'],
  );
  expect(literals(page)).toEqual([
    ['"1"', '"late"'],
    [null, '"x"'],
  ]);
  expect(page.tombstones).toEqual([{ key: KEY, reason: 'changed' }]);
});

test('a tombstone between rows leaves no trace in the row after it', () => {
  const page = parse(['{"a":1,"id":2}', `{${CONTEXT},"id":"${KEY}","a":7}`, '{"id":3}'], ['a', 'id']);
  expect(literals(page)).toEqual([
    ['1', '2'],
    [null, '3'],
  ]);
});

test.each([`https://o/api/data/v9.2/accounts(${KEY})`, `accounts(${KEY})`, KEY.toUpperCase(), `{${KEY}}`])(
  'the id %s of a tombstone is its key',
  (id) => {
    const page = parse([`{${CONTEXT},"id":${JSON.stringify(id)},"reason":"deleted"}`]);
    expect(page.tombstones).toEqual([{ key: KEY, reason: 'deleted' }]);
  },
);

test('an escaped solidus in the context still marks a tombstone', () => {
  const page = parse([String.raw`{"@odata.context":"#accounts\/\u0024deletedEntity","id":"${KEY}"}`]);
  expect(page.tombstones).toEqual([{ key: KEY, reason: 'deleted' }]);
});

test.each(['"id":null', '"id":"not a guid"', '"reason":"deleted"', '"id":7'])(
  'a tombstone with %s is refused rather than lost',
  (members) => {
    expect(() => parse([`{${CONTEXT},${members}}`])).toThrow(TypeError);
  },
);

test('a reason other than deleted is kept', () => {
  const page = parse([`{${CONTEXT},"id":"${KEY}","reason":"changed"}`]);
  expect(page.tombstones).toEqual([{ key: KEY, reason: 'changed' }]);
});

test('a row read by its id is a row although it has a context of its own', () => {
  const row = `{"@odata.context":"https://o/$metadata#accounts/$entity","accountid":"${KEY}"}`;
  expect(literals(parseRow(bytesOf(row), new RowShape(['accountid'])))).toEqual([[`"${KEY}"`]]);
});
