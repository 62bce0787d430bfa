import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AFTER_NULL, AFTER_VALUE, MemberNames, NO_NAME } from '../../src/dataverse/page/member-names.ts';

const IGNORED = -1;
const BEFORE = 'x'.repeat(3);

function view(text: string): DataView {
  const bytes = Buffer.from(text);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The names in a text of their own, with something before and after. */
function written(name: string, value = 'null'): string {
  return `${BEFORE}${JSON.stringify(name)}:${value}`;
}

function learn(names: MemberNames, name: string, member: number): void {
  names.learn(view(written(name)), BEFORE.length, Buffer.byteLength(JSON.stringify(name)) + 1, member);
}

const plainName = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom('a', 'b', '_'),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
    ),
    maxLength: 40,
  })
  .filter((name) => name !== '' && JSON.stringify(name) === `"${name}"`);

test('a learned name is found after any other name, and a name that was not learned is not', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(plainName, { minLength: 1, maxLength: 80 }),
      fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 200 }),
      (known, steps) => {
        const names = new MemberNames();
        // The first name stays unknown.
        for (const [number, name] of known.entries()) if (number > 0) learn(names, name, number);
        let previous = NO_NAME;
        for (const [step, isNull] of steps) {
          const after = isNull ? AFTER_NULL : AFTER_VALUE;
          const number = step % known.length;
          const value = isNull ? '7,"b":true' : 'null';
          const text = written(known[number] ?? '', value);
          const name = names.find(view(text), BEFORE.length, previous, after);
          const end = Buffer.byteLength(text) - value.length;
          const length = name === NO_NAME ? end - BEFORE.length : names.length(name);
          expect(name !== NO_NAME).toBe(number > 0);
          expect(names.member(name)).toBe(number);
          expect(BEFORE.length + length).toBe(end);
          const cut = Buffer.from(text)
            .subarray(0, end - 1)
            .toString();
          expect(names.find(view(cut), BEFORE.length, previous, after)).toBe(NO_NAME);
          previous = name;
        }
      },
    ),
    { numRuns: 500 },
  );
});

test.each(['"na\\u006de":1', '"name" :1', '"nam":1', '"name1":1', ' "name":1', '"name"', 'x'])(
  'a name in another form or another name is not found: %s',
  (text) => {
    const names = new MemberNames();
    learn(names, 'name', 0);
    expect(names.find(view(text), 0, NO_NAME, AFTER_VALUE)).toBe(NO_NAME);
  },
);

test('columns are remembered after so many other names that those are not remembered any more', () => {
  const names = new MemberNames();
  const find = (name: string): number => names.find(view(written(name)), BEFORE.length, NO_NAME, AFTER_VALUE);
  for (let number = 0; number < 5_000; number++) learn(names, `other${number}`, IGNORED);
  learn(names, 'name', 7);
  expect(find('other0')).not.toBe(NO_NAME);
  expect(find('other4999')).toBe(NO_NAME);
  expect(names.member(find('name'))).toBe(7);
});
