import * as fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { POSTGRES_TYPE } from '../../src/mirror/table/column-sql.ts';
import { binaryPieces } from '../../src/mirror/copy/copy-binary.ts';
import { copyPieces } from '../../src/mirror/copy/copy-text.ts';
import { copy } from '../../src/mirror/copy/copy.ts';
import { DEFAULT_ROW_POLICY, type RowPolicy } from '../../src/mirror/quarantine/row-policy.ts';
import type { ColumnType } from '../../src/model/table.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { numberText, stringText } from '../unit/json-text.ts';
import { pageRows } from '../unit/page-rows.ts';
import { column } from '../unit/sample-table.ts';

const POLICY: RowPolicy = { ...DEFAULT_ROW_POLICY, hashKey: 'key' };

const digits = (pattern: RegExp): fc.Arbitrary<string> => fc.stringMatching(pattern);
const day = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  .map((date) => date.toISOString());
const fraction = digits(/^(\.\d{1,6})?$/);
const moment = fc.tuple(day, fraction).map(([date, rest]) => `"${date.slice(0, 19)}${rest}Z"`);
const quotedNumber = (number: string): string[] => [number, `"${number}"`];
const wholeNumber = fc
  .oneof(
    digits(/^-?\d{1,19}$/),
    fc.integer().map(String),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    fc.constantFrom('-9223372036854775808', '9223372036854775807'),
  )
  .map((number) => number.replace(/^(-?)0+(?=\d)/, '$1'));

/** Literals as the Web API writes them, those at the limits of a type and beyond among them. */
const VALUES: Readonly<Record<ColumnType, fc.Arbitrary<string>>> = {
  uuid: fc.uuid().chain((guid) => fc.constantFrom(`"${guid}"`, `"${guid.toUpperCase()}"`)),
  text: fc.oneof(
    stringText(fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => !text.includes('\0'))),
    numberText,
    fc.constantFrom('true', 'false', '""'),
  ),
  integer: fc.integer().chain((number) => fc.constantFrom(...quotedNumber(String(number)))),
  bigint: wholeNumber
    .filter((number) => BigInt(number) < 2n ** 63n && BigInt(number) >= -(2n ** 63n))
    .chain((number) => fc.constantFrom(...quotedNumber(number))),
  numeric: fc.oneof(
    fc.tuple(wholeNumber, digits(/^(\.\d{1,12})?$/)).map((parts) => parts.join('')),
    digits(/^-?(0|[1-9]\d{0,60})(\.\d{1,50})?$/),
    fc.constantFrom('0', '-0', '0.00', '-0.0000', '10000', '0.0001', '99999999.99990000', '100000000'),
  ),
  double: fc.oneof(
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .filter((number) => number === 0 || Math.abs(number) >= 2 ** -1022)
      .map((number) => JSON.stringify(number)),
    fc.constantFrom('0', '0.0', '-0.0', '1E-05', '2.2250738585072014E-308', '1.7976931348623157E+308'),
  ),
  boolean: fc.constantFrom('true', 'false'),
  integers: fc.array(fc.integer(), { minLength: 1, maxLength: 5 }).map((values) => `"${values.join(',')}"`),
  timestamptz: moment,
  timestamp: moment,
  date: day.map((date) => `"${date.slice(0, 10)}"`),
  hash: stringText(fc.string({ maxLength: 8 })),
};
const TYPES = Object.keys(VALUES) as ColumnType[];
const COLUMNS = TYPES.map((type) => column(`of_${type}`, type));

let database: TestDatabase;
let client: pg.PoolClient;

beforeAll(async () => {
  database = await freshDatabase();
  client = await database.pool.connect();
  const list = TYPES.map((type) => `"of_${type}" ${POSTGRES_TYPE[type]}`).join(', ');
  await client.query(`CREATE TEMPORARY TABLE as_text (at int GENERATED ALWAYS AS IDENTITY, ${list})`);
  await client.query(`CREATE TEMPORARY TABLE in_binary (at int GENERATED ALWAYS AS IDENTITY, ${list})`);
});
afterAll(async () => {
  client.release();
  await database.drop();
});

const NAMES = TYPES.map((type) => `"of_${type}"`).join(', ');

/** What PostgreSQL has of rows that came as text, and of the same rows that came in binary. */
async function stored(rows: readonly (readonly (string | null)[])[]) {
  const page = pageRows(rows, TYPES.length);
  await client.query('TRUNCATE as_text, in_binary RESTART IDENTITY');
  await copy(client, `COPY as_text (${NAMES}) FROM STDIN`, copyPieces(page, COLUMNS, { policy: POLICY }));
  const copied = await copy(
    client,
    `COPY in_binary (${NAMES}) FROM STDIN (FORMAT binary)`,
    binaryPieces(page, COLUMNS, { policy: POLICY }),
  );
  const all = async (table: string): Promise<unknown[]> =>
    (await client.query<{ row: string }>(`SELECT t::text AS row FROM ${table} t ORDER BY at`)).rows;
  return { copied, text: await all('as_text'), binary: await all('in_binary') };
}

describe('rows in the binary form of COPY', () => {
  test('rows in the binary form of COPY are stored as rows in the text form, to the last digit', async () => {
    const row = fc.tuple(...TYPES.map((type) => fc.option(VALUES[type], { freq: 6 })));
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 30 }), async (rows) => {
        const { text, binary } = await stored(rows);
        // Where it gave up, what came until then is right.
        expect(binary).toEqual(text.slice(0, binary.length));
      }),
      { numRuns: 300 },
    );
  });

  test.each(TYPES)(
    'values as the Web API writes them for the type %s all go in the binary form',
    async (type) => {
      const at = TYPES.indexOf(type);
      const plain = VALUES[type].filter((literal) => literal.length < 100);
      await fc.assert(
        fc.asyncProperty(fc.array(plain, { minLength: 1, maxLength: 20 }), async (values) => {
          const { copied, text, binary } = await stored(
            values.map((value) => TYPES.map((_, field) => (field === at ? value : null))),
          );
          expect(copied).toEqual({ sent: values.length, taken: values.length });
          expect(binary).toEqual(text);
        }),
        { numRuns: 60 },
      );
    },
  );
});

describe('values that the binary encoder leaves to text', () => {
  test.each<[ColumnType, string]>([
    ['uuid', '"{00000000-0000-4000-8000-000000000000}"'],
    ['uuid', '"0000000000004000800000000000000000000"'],
    ['uuid', '"0000000g-0000-4000-8000-000000000000"'],
    ['uuid', '1'],
    ['text', String.raw`"a\u0000"`],
    ['text', String.raw`"\ud83d"`],
    ['text', '["a"]'],
    ['text', '{"a":1}'],
    ['integer', '2147483648'],
    ['integer', '-2147483649'],
    ['integer', '1.0'],
    ['integer', '1e3'],
    ['integer', '""'],
    ['integer', '"-"'],
    ['bigint', '9223372036854775808'],
    ['bigint', '12345678901234567890'],
    ['bigint', 'true'],
    ['numeric', '1e5'],
    ['numeric', '"NaN"'],
    ['numeric', '"Infinity"'],
    ['numeric', '".5"'],
    ['numeric', '"5."'],
    ['numeric', '"1 "'],
    ['double', '"NaN"'],
    ['double', '1e309'],
    ['double', '5e-324'],
    ['double', '1e-400'],
    ['boolean', '"yes"'],
    ['boolean', '1'],
    ['integers', '""'],
    ['integers', '"1,,2"'],
    ['integers', '"1, 2"'],
    ['integers', '[1,2]'],
    ['timestamptz', '"2024-02-30T00:00:00Z"'],
    ['timestamptz', '"2023-02-29T00:00:00Z"'],
    ['timestamptz', '"0000-01-01T00:00:00Z"'],
    ['timestamptz', '"2024-01-01T24:00:00Z"'],
    ['timestamptz', '"2024-01-01T00:00:60Z"'],
    ['timestamptz', '"2024-01-01T00:00:00+02:00"'],
    ['timestamptz', '"2024-01-01T00:00:00.1234567Z"'],
    ['timestamptz', '"2024-01-01T00:00:00.Z"'],
    ['timestamptz', '"2024-01-01 00:00:00Z"'],
    ['timestamptz', '"infinity"'],
    ['timestamptz', '"now"'],
    ['date', '"2024-01-01T00:00:00Z"'],
    ['date', '"2024-13-01"'],
    ['date', '"2024-00-01"'],
    ['date', '"2024/01/01"'],
    ['date', '"today"'],
  ])('a value of the type %s that is not written plainly is left to text: %s', (type, literal) => {
    const pieces = binaryPieces(pageRows([[literal]], 1), [column('c', type)], { policy: POLICY });
    let piece = pieces.next();
    while (piece.done !== true) piece = pieces.next();
    expect(piece.value).toBeUndefined();
  });
});
