import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  markBeginning,
  PUBLICATION_READERS,
  readerOf,
  withMark,
} from '../../src/mirror/downstream/publication-mark.ts';

const SCHEMAS = fc.oneof(fc.constantFrom('dataverse', 'a.b', 'x" in it', ' for zero.'), fc.string());
const READERS = fc.constantFrom(null, ...PUBLICATION_READERS);

describe('the comment of a publication', () => {
  it('the comment tells each schema and its reader, once, and keeps what others wrote', () => {
    fc.assert(
      fc.property(fc.string(), SCHEMAS, SCHEMAS, READERS, READERS, (text, schema, other, first, second) => {
        fc.pre(schema !== other);
        const ours = withMark(withMark(text, schema, first), other, first);
        const comment = withMark(ours, schema, second);
        expect(comment.split(markBeginning(schema))).toHaveLength(2);
        expect(readerOf(comment, schema)).toBe(second);
        expect(readerOf(comment, other)).toBe(first);
        expect(comment.startsWith(text)).toBe(true);
        expect(withMark(comment, schema, second)).toBe(comment);
      }),
    );
  });
});
