import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { EarlyRows } from '../../src/dataverse/page/early-rows.ts';
import { PageBuffers } from '../../src/dataverse/page/page-buffers.ts';
import { parsePage, parsePageInTurns } from '../../src/dataverse/page/page-parser.ts';
import { RowShape } from '../../src/dataverse/page/row-collector.ts';
import { literals } from './page-rows.ts';

const NAMES = ['accountid', 'name', 'id', 'reason', 'revenue'];

const value = fc.oneof(
  fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text)),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom('null', 'true', '{"Value":true,"CanBeChanged":[1,2]}', '"\\u0022\\r\\n,{}]"'),
);
const row = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...NAMES, '@odata.etag', 'other'), value), {
    selector: ([name]) => name,
    minLength: 1,
  })
  .map((members) => `{${members.map(([name, text]) => `"${name}":${text}`).join(',')}}`);
const tombstone = fc
  .uuid()
  .map((id) => `{"@odata.context":"#accounts/$deletedEntity","id":"${id}","reason":"deleted"}`);
const link = '"@odata.nextLink":"https://contoso.crm.dynamics.com/next"';
const page = fc
  .tuple(fc.array(fc.oneof({ weight: 4, arbitrary: row }, tombstone), { maxLength: 30 }), fc.boolean())
  .map(([rows, linkFirst]) => {
    const list = `"value":[${rows.join(',')}]`;
    return Buffer.from(`{"@odata.context":"#accounts",${linkFirst ? `${link},${list}` : `${list},${link}`}}`);
  });
/** A page as it came: whole, cut, or with one byte changed. */
const bytes = fc.oneof(
  { weight: 3, arbitrary: page },
  fc.tuple(page, fc.nat(), fc.constantFrom(0, 0x22, 0x2c, 0x5d, 0x7d)).map(([body, at, byte]) => {
    const place = at % body.length;
    if (byte === 0) return body.subarray(0, place);
    const changed = Buffer.from(body);
    changed[place] = byte;
    return changed;
  }),
);

/** Everything that a page says, or the error that it is. */
async function told(parse: () => unknown): Promise<unknown> {
  try {
    const { bytes: body, width, rows, cells, ...rest } = (await parse()) as ReturnType<typeof parsePage>;
    return { cells: literals({ bytes: body, width, rows, cells }), ...rest };
  } catch (error) {
    return String(error);
  }
}

test('a page whose rows are read while it comes is the page that is read at once, or the same error', async () => {
  await fc.assert(
    fc.asyncProperty(bytes, fc.array(fc.nat(), { maxLength: 12 }), async (body, cuts) => {
      const shape = new RowShape(NAMES);
      const buffers = new PageBuffers();
      const early = new EarlyRows(shape, buffers);
      const lengths = cuts.map((cut) => cut % (body.length + 1)).toSorted((one, other) => one - other);
      // Memory that is used again has bytes of an earlier page behind those that came.
      for (const length of lengths) {
        const memory = Buffer.from(body).fill('"', length);
        early.came(memory.subarray(0, length), body.length);
      }
      const parsed = await told(async () => parsePageInTurns(body, shape, buffers, early));
      expect(parsed).toEqual(await told(() => parsePage(body, new RowShape(NAMES))));
    }),
    { numRuns: 2_000 },
  );
});

test('rows that were read of an answer are forgotten when the next answer begins', async () => {
  const shape = new RowShape(NAMES);
  const buffers = new PageBuffers();
  const early = new EarlyRows(shape, buffers);
  const first = Buffer.from('{"value":[{"name":"A"},{"name":"B"},{"name":"C"}]}');
  const second = Buffer.from('{"value":[{"name":"D"},{"name":"E"}]}');
  early.came(first.subarray(0, -5), first.length);
  early.restart();
  early.came(second.subarray(0, -5), second.length);
  const parsed = await parsePageInTurns(second, shape, buffers, early);
  expect(literals(parsed).map((cells) => cells[1])).toEqual(['"D"', '"E"']);
});

test('a large entry is tried a few times while it comes, not at each piece', () => {
  const shape = new RowShape(NAMES);
  const early = new EarlyRows(shape, new PageBuffers());
  const body = Buffer.from(`{"value":[{"name":"${'x'.repeat(64_000_000)}"}]}`);
  const find = vi.spyOn(shape.names, 'find');
  for (let length = 65_536; length < body.length; length += 65_536) {
    early.came(body.subarray(0, length), body.length);
  }
  expect(find.mock.calls.length).toBeLessThan(15);
});
