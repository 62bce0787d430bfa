import * as fc from 'fast-check';
import { jsonText, scalarText, stringText } from './json-text.ts';

/** Columns with names that tombstones use too, or that JSON has to escape. */
export const NAMES = ['accountid', 'name', 'id', 'reason', 'caf\u00e9 "x"'];

/** A row's members in any order, some absent, among members that are no columns. */
export const rowText = fc
  .record({
    values: fc.tuple(...NAMES.map(() => fc.option(fc.oneof(scalarText, fc.constant('[1, 2]'))))),
    written: fc.tuple(...NAMES.map((name) => stringText(fc.constant(name)))),
    // A row has something that was asked for.
    absent: fc.tuple(...NAMES.map(() => fc.boolean())).filter((absent) => absent.includes(false)),
    unknown: fc.array(fc.tuple(fc.constantFrom('"@odata.etag"', '"name@OData.x"', '"Value"'), jsonText), {
      maxLength: 2,
    }),
    order: fc.infiniteStream(fc.nat()),
  })
  .map(({ values, written, absent, unknown, order }) => {
    const own = NAMES.flatMap((_, at) =>
      absent[at] ? [] : [[written[at] ?? '', values[at] ?? 'null'] as const],
    );
    const members = [...own, ...unknown]
      .map((member) => ({ member, at: Number(order.next().value) }))
      .sort((a, b) => a.at - b.at)
      .map(({ member: [name, value] }) => `${name} : ${value}`);
    return { text: `{${members.join(' ,')}}`, cells: values.map((value, at) => (absent[at] ? null : value)) };
  });
