import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { betweenMarkers } from '../../bench/report/between-markers.ts';
import { figures } from '../../bench/report/document.ts';
import { verdict, type Section } from '../../bench/report/section.ts';
import { markdownTable } from '../../bench/report/table.ts';

const BEGIN = '<!-- figures: written by npm run bench -->';
const END = '<!-- end of figures -->';

test('figures replace those of the last run, and the prose around them stays', () => {
  const document = `# Title\n\nBefore.\n\n${BEGIN}\nold\n${END}\n\nAfter.\n`;
  const once = betweenMarkers(document, 'new\n');
  expect(once).toBe(`# Title\n\nBefore.\n\n${BEGIN}\n\nnew\n\n${END}\n\nAfter.\n`);
  expect(betweenMarkers(once, 'new')).toBe(once);
});

test('prose is kept to the byte, whatever it is', () => {
  const prose = fc.string().filter((text) => !text.includes('<!--'));
  fc.assert(
    fc.property(prose, prose, fc.string(), (before, after, old) => {
      fc.pre(!old.includes('<!--'));
      const written = betweenMarkers(`${before}${BEGIN}${old}${END}${after}`, 'figures');
      expect(written.startsWith(`${before}${BEGIN}\n`)).toBe(true);
      expect(written.endsWith(`\n${END}${after}`)).toBe(true);
    }),
  );
});

test.each([
  ['without markers', 'prose'],
  ['without the second one', `${BEGIN}\n`],
  ['in the wrong order', `${END}\n${BEGIN}\n`],
  ['twice', `${BEGIN}\n${END}\n${BEGIN}\n${END}\n`],
])('a document with markers %s is left alone', (_, document) => {
  expect(() => betweenMarkers(document, 'new')).toThrow('once each');
});

test('a table in Markdown has a cell for each heading, missing ones empty', () => {
  expect(markdownTable(['a', 'longer'], [['1', '2'], ['wide cell']])).toBe(
    [
      '| a         | longer |',
      '| --------- | ------ |',
      '| 1         | 2      |',
      '| wide cell |        |',
    ].join('\n'),
  );
});

test('a missed bar is marked as missed', () => {
  expect(verdict({ value: 1.25, bar: 1.25 })).toBe('1.25 (within 1.25)');
  expect(verdict({ value: 1.26, bar: 1.25 })).toBe('1.26 (**missed**: 1.25)');
});

const section = (title: string): Section => ({
  title,
  about: `About ${title}.`,
  headings: ['rows'],
  rows: [[`rows of ${title}`]],
  ratios: [],
});

test('the figures name the machine and have every section with its table', () => {
  const text = figures([section('Baseline'), section('Delta')], 'two cores.');
  expect(text).toContain('two cores.');
  for (const title of ['Baseline', 'Delta']) {
    expect(text).toContain(`### ${title}\n\nAbout ${title}.`);
    expect(text).toContain(`| rows of ${title} |`);
  }
});
