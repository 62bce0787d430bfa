import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { markup, prose } from '../../src/operations/status-page/markup.ts';

/** Texts that would be HTML if somebody forgot to escape them. */
const HOSTILE = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({
    unit: fc.constantFrom(
      '<',
      '>',
      '"',
      "'",
      '&',
      '`',
      '/',
      '!',
      '-',
      'script',
      ' onload=',
      '&lt;',
      '\u202e',
    ),
  }),
);

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
const read = (text: string): string =>
  text.replaceAll(/&(#?\w+);/g, (_, name: string) => ENTITIES[name] ?? '?');

test('a text in HTML reads as it was given, and has no character that could end it', () => {
  fc.assert(
    fc.property(HOSTILE, (text) => {
      const made = markup`${text}`.text;
      expect(made).not.toMatch(/[<>"']/);
      expect(read(made)).toBe(text);
    }),
  );
});

test('a message with code in it has no other tags than those of the code', () => {
  fc.assert(
    fc.property(HOSTILE, (text) => {
      const made = prose(text).text;
      expect(made.replaceAll(/<\/?code>/g, '')).not.toMatch(/[<>"']/);
      expect(read(made.replaceAll(/<\/?code>/g, '')).replaceAll('`', '')).toBe(text.replaceAll('`', ''));
    }),
  );
});

test('a piece of HTML in another stays as it is, null is nothing, and a list is one piece', () => {
  const inner = markup`<b title="${'"'}">${'<'}</b>`;
  expect(markup`${inner}${null}${[inner, markup`${1}`]}`.text).toBe(`${inner.text}${inner.text}1`);
  expect(inner.text).toBe('<b title="&quot;">&lt;</b>');
});
