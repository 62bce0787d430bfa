import * as fc from 'fast-check';

const blanks = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 2 });

/** A number in every spelling that JSON allows. */
export const numberText = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(fc.constant('0'), fc.stringMatching(/^[1-9]\d{0,18}$/)),
    fc.oneof(fc.constant(''), fc.stringMatching(/^\.\d{1,12}$/)),
    fc.oneof(fc.constant(''), fc.stringMatching(/^[eE][+-]?\d{1,3}$/)),
  )
  .map((parts) => parts.join(''));

/** A string's literal, with any of its characters written as `\uXXXX` too. */
export function stringText(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(text, fc.infiniteStream(fc.constantFrom('plain', 'lower', 'upper')))
    .map(([value, styles]) => {
      const written = Array.from(value, (character) => {
        const style: unknown = styles.next().value;
        if (style === 'plain') return JSON.stringify(character).slice(1, -1);
        return escaped(character, style === 'upper');
      });
      return `"${written.join('')}"`;
    });
}

function escaped(character: string, upper: boolean): string {
  return Array.from({ length: character.length }, (_, at) => {
    const hex = character.charCodeAt(at).toString(16).padStart(4, '0');
    return `\\u${upper ? hex.toUpperCase() : hex}`;
  }).join('');
}

export const scalarText = fc.oneof(
  fc.constantFrom('true', 'false'),
  numberText,
  stringText(fc.string({ unit: 'binary', maxLength: 8 })),
);

function padded(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(blanks, text, blanks).map((parts) => parts.join(''));
}

/** Any JSON text, with blanks wherever they may stand. */
export const jsonText = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(padded(fc.constant('null')), padded(scalarText)),
    padded(fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`)),
    padded(
      fc
        .array(
          fc
            .tuple(padded(stringText(fc.string({ unit: 'binary', maxLength: 4 }))), tie('value'))
            .map((pair) => pair.join(':')),
          { maxLength: 4 },
        )
        .map((members) => `{${members.join(',')}}`),
    ),
  ),
})).value;

/** A text made worse: cut, or a piece of it removed, repeated or replaced. */
export function mutated(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.nat(),
    length: fc.nat({ max: 3 }),
    insert: fc.string({
      unit: fc.constantFrom(...Array.from('{}[]",:\\u0019-+.eEtfn \n\t\u0001\uFEFF/x')),
      maxLength: 2,
    }),
    cut: fc.boolean(),
  });
  return fc.tuple(text, change).map(([whole, { at, length, insert, cut }]) => {
    const position = whole.length === 0 ? 0 : at % (whole.length + 1);
    return cut
      ? whole.slice(0, position)
      : whole.slice(0, position) + insert + whole.slice(position + length);
  });
}
