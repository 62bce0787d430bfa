import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const text = readFileSync(join(ROOT, 'docs', 'guarantees.md'), 'utf8');

/** Each test file that the page names, once for each test of it that the page quotes. */
const named = [...text.matchAll(/`(test\/[\w/-]+\.test\.ts)`((?:,? “[^”]+”)*)/g)].flatMap(
  ([, file = '', quotes = '']) =>
    (quotes.match(/“[^”]+”/g) ?? ['“”']).map((quote) => ({ file, quoted: quote.slice(1, -1) })),
);

describe('the page of guarantees', () => {
  it('the page of guarantees names a test for each promise and for each failure', () => {
    const rows = text.split('\n').filter((line) => line.startsWith('| ') && !line.endsWith('| test |'));
    expect(rows.length).toBeGreaterThanOrEqual(40);
    expect(rows.filter((row) => !row.includes('`test/'))).toEqual([]);
  });

  it('the page of guarantees names no test that does not exist', () => {
    const wrong = named.filter(({ file, quoted }) => {
      const path = join(ROOT, file);
      return !existsSync(path) || !readFileSync(path, 'utf8').includes(quoted);
    });
    expect(wrong).toEqual([]);
  });
});
