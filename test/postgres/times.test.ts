import * as fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { POSTGRES_TYPE } from '../../src/mirror/table/column-sql.ts';
import { binaryPieces } from '../../src/mirror/copy/copy-binary.ts';
import { copyPieces, toCopyText } from '../../src/mirror/copy/copy-text.ts';
import { copy } from '../../src/mirror/copy/copy.ts';
import type { ColumnType } from '../../src/model/table.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { pageRows } from '../unit/page-rows.ts';
import { column } from '../unit/sample-table.ts';

const TYPES = ['timestamptz', 'timestamp', 'date'] as const;
type Time = (typeof TYPES)[number];

let database: TestDatabase;
let client: pg.PoolClient;

beforeAll(async () => {
  database = await freshDatabase();
  client = await database.pool.connect();
  await client.query("SET TimeZone = 'Pacific/Auckland'; SET DateStyle = 'German, DMY'");
  for (const type of TYPES)
    await client.query(`CREATE TEMPORARY TABLE of_${type} (c ${POSTGRES_TYPE[type]})`);
});
afterAll(async () => {
  client.release();
  await database.drop();
});

/** What is stored of a literal, as text and, where it is plain enough for that, in binary; in UTC. */
async function stored(type: Time, literal: string): Promise<string[]> {
  const page = pageRows([[literal]], 1);
  const columns = [column('c', type)];
  await client.query(`TRUNCATE of_${type}`);
  await copy(client, `COPY of_${type} FROM STDIN`, copyPieces(page, columns));
  const pieces = [...binaryPieces(page, columns)];
  const inBinary = binaryPieces(page, columns);
  let end = inBinary.next();
  while (end.done !== true) end = inBinary.next();
  if (end.value !== undefined)
    await copy(client, `COPY of_${type} FROM STDIN (FORMAT binary)`, pieces.values());
  const utc = type === 'timestamptz' ? "c AT TIME ZONE 'UTC'" : 'c';
  const format = type === 'date' ? 'YYYY-MM-DD' : 'YYYY-MM-DD HH24:MI:SS.US';
  const { rows } = await client.query<{ value: string }>(
    `SELECT to_char(${utc}, '${format}') AS value FROM of_${type}`,
  );
  return rows.map(({ value }) => value);
}

/** Why a literal is no value of a type. */
function refusal(type: ColumnType, literal: string): string | undefined {
  return toCopyText(pageRows([[literal]], 1), [column('c', type)]).unstorable[0]?.reason;
}

describe('times', () => {
  test.each<[Time, string, string]>([
    ['timestamptz', '2024-01-01T10:00:00', '2024-01-01 10:00:00.000000'],
    ['timestamptz', '2024-01-01T10:00:00.25', '2024-01-01 10:00:00.250000'],
    ['timestamptz', '2024-01-01 10:00', '2024-01-01 10:00:00.000000'],
    ['timestamptz', '2024-01-01T10:00:00Z', '2024-01-01 10:00:00.000000'],
    ['timestamptz', '2024-01-01t10:00:00z', '2024-01-01 10:00:00.000000'],
    ['timestamptz', '2024-01-01T10:00:00+02:00', '2024-01-01 08:00:00.000000'],
    ['timestamptz', String.raw`2024-01-01T10:00:00\u002B02:00`, '2024-01-01 08:00:00.000000'],
    ['timestamptz', '2024-01-01T10:00:00-0930', '2024-01-01 19:30:00.000000'],
    ['timestamptz', '2024-01-01', '2024-01-01 00:00:00.000000'],
    ['timestamptz', '2024-01-01T10:00:00.1234567Z', '2024-01-01 10:00:00.123457'],
    ['timestamp', '2024-01-01T10:00:00Z', '2024-01-01 10:00:00.000000'],
    ['timestamp', '2024-01-01T10:00:00', '2024-01-01 10:00:00.000000'],
    ['timestamp', '2024-01-01T10:00:00+00:00', '2024-01-01 10:00:00.000000'],
    ['timestamp', '2024-01-01', '2024-01-01 00:00:00.000000'],
    ['date', '2024-01-01', '2024-01-01'],
    ['date', '2024-01-01T00:00:00', '2024-01-01'],
    ['date', '2024-01-01T00:00:00.000Z', '2024-01-01'],
  ])(
    'a time is stored as it came, whatever the zone of the session: a %s of %s',
    async (type, text, expected) => {
      expect(new Set(await stored(type, `"${text}"`))).toEqual(new Set([expected]));
    },
  );

  test('a moment is the same with Z, with any offset, and without a zone', async () => {
    const moment = fc.date({
      min: new Date('1753-01-02T00:00:00Z'),
      max: new Date('9999-12-30T00:00:00Z'),
      noInvalidDate: true,
    });
    const offset = fc.integer({ min: -14 * 60, max: 14 * 60 });
    await fc.assert(
      fc.asyncProperty(moment, offset, async (at, minutes) => {
        const expected = at.toISOString().replace('T', ' ').replace('Z', '000');
        const there = new Date(at.getTime() + 60_000 * minutes).toISOString().slice(0, -1);
        const [hours, rest] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
        const zone = `${minutes < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`;
        const forms = [at.toISOString(), at.toISOString().slice(0, -1), there + zone];
        for (const form of forms) {
          expect(new Set(await stored('timestamptz', `"${form}"`))).toEqual(new Set([expected]));
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('times that a type without a zone cannot hold', () => {
  test.each<[Time, string, RegExp]>([
    ['timestamp', '"2024-01-01T10:00:00+02:00"', /offset/],
    ['timestamp', String.raw`"2024-01-01T10:00:00\u002b02:00"`, /offset/],
    ['date', '"2024-01-01T00:00:00+02:00"', /offset/],
    ['date', '"2024-01-01-05:00"', /offset/],
    ['date', '"2024-01-01T05:00:00Z"', /time of day/],
    ['date', '"01/02/2024"', /ISO 8601/],
    ['timestamptz', '"2024-01-01T10:00:00 America/New_York"', /ISO 8601/],
    ['timestamptz', '"20240101"', /ISO 8601/],
    ['timestamptz', '20240101', /number/],
    ['timestamptz', '"tomorrow"', /word/],
  ])('a time that its type cannot hold sends its row to quarantine: a %s of %s', (type, literal, reason) => {
    expect(refusal(type, literal)).toMatch(reason);
  });
});
