import * as fc from 'fast-check';
import { scalarText, stringText } from './json-text.ts';

/** Columns with names that are short, begin or end alike, or contain each other; their annotations; any letters. */
export const MANY_NAMES = [
  'a',
  'no',
  'fax',
  'name',
  'name1',
  'name2',
  'name12',
  'yominame',
  'address1_telephone1',
  'address1_telephone2',
  'address2_telephone1',
  'address1_telephone',
  '_ownerid_value',
  '_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname',
  'gr\u00f6\u00dfe',
  'gr\u00f6\u00dff',
  '\u6771\u4eac',
  '\u6771\u4eacx',
  `new_${'long'.repeat(70)}1`,
  `new_${'long'.repeat(70)}2`,
];

/** Members that are no columns. */
const OTHERS = [
  '@odata.etag',
  '_ownerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty',
  '_ownerid_valu',
  'nam',
  '',
  'name\u00e9',
  'Value',
];

const value = fc.oneof(
  { weight: 3, arbitrary: fc.constant('null') },
  { weight: 4, arbitrary: scalarText },
  {
    weight: 2,
    arbitrary: stringText(
      fc.string({ unit: fc.constantFrom('\\', '"', '\n', 'x', '\u{1f600}'), maxLength: 20 }),
    ),
  },
  fc.constantFrom('[1, "]"]', '[]', '"W/\\"1\\""'),
);

interface Member {
  readonly name: string;
  readonly written: string;
  readonly value: string;
  readonly at: number;
}

const member = fc.record({
  name: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...MANY_NAMES) }, fc.constantFrom(...OTHERS)),
  isEscaped: fc.nat({ max: 19 }).map((number) => number === 0),
  value,
  at: fc.nat(),
});

/** How the members of a row are ordered: in one order, as an environment does, or in any order. */
const ORDERS = {
  same: (row: readonly Member[]) => row.toSorted((a, b) => compare(a.name, b.name)),
  environment: (row: readonly Member[]) =>
    row.toSorted(
      (a, b) => Number(a.value === 'null') - Number(b.value === 'null') || compare(a.name, b.name),
    ),
  any: (row: readonly Member[]) => row.toSorted((a, b) => a.at - b.at),
};

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

const row = fc
  .array(member, { minLength: 1, maxLength: 24 })
  .chain((members) =>
    fc.tuple(
      ...members.map(({ name, isEscaped, ...rest }) =>
        (isEscaped ? stringText(fc.constant(name)) : fc.constant(JSON.stringify(name))).map((written) => ({
          ...rest,
          name,
          written,
        })),
      ),
    ),
  )
  // A row has something that was asked for.
  .filter((members: readonly Member[]) => members.some(({ name }) => MANY_NAMES.includes(name)));

const blank = fc.oneof({ weight: 4, arbitrary: fc.constant('') }, fc.constantFrom(' ', '\n  ', '\t\r'));

/** A page whose rows have members in many orders, some of them twice, with blanks, escapes and unknown names. */
export const pageText = fc
  .record({
    rows: fc.array(row, { maxLength: 8 }),
    order: fc.constantFrom(...Object.values(ORDERS)),
    blanks: fc.tuple(blank, blank, blank, blank),
  })
  .map(({ rows, order, blanks: [before, colon, afterValue, comma] }) => {
    const texts = rows.map((members) => {
      const list = order(members).map(({ written, value: text }) => `${written}${before}:${colon}${text}`);
      return `{${comma}${list.join(`${afterValue},${comma}`)}${afterValue}}`;
    });
    return `{"value":[${texts.join(',')}]}`;
  });
