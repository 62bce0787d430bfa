import { SaxesParser } from 'saxes';
import { expect, test } from 'vitest';
import { chart } from '../../bench/report/chart.ts';

const RATIOS = [
  { name: 'baseline, 20 columns', value: 1.1, bar: 1.25 },
  { name: 'answers < 1 ms & more', value: 9.5, bar: 1.1 },
  { name: 'idle pass', value: 0.14, bar: 1.1 },
];

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  text: string;
}

/** The elements of a document. @throws Error when it is no well-formed XML. */
function elementsOf(xml: string): Element[] {
  const elements: Element[] = [];
  const parser = new SaxesParser();
  parser.on('opentag', ({ name, attributes }) => elements.push({ name, attributes, text: '' }));
  parser.on('text', (text) => {
    const last = elements.at(-1);
    if (last !== undefined) last.text += text;
  });
  parser.write(xml).close();
  return elements;
}

test('the plot has the name, the figure and the bar of every ratio', () => {
  const elements = elementsOf(chart(RATIOS));
  const texts = elements.filter(({ name }) => name === 'text').map(({ text }) => text.trim());
  for (const { name, value } of RATIOS) {
    expect(texts).toContain(name);
    expect(texts).toContain(value.toFixed(2));
  }
  const bars = elements.filter(({ name }) => name === 'rect');
  expect(bars.map(({ attributes }) => attributes['class'])).toEqual(['within', 'missed', 'within']);
  // One in the legend.
  expect(elements.filter(({ attributes }) => attributes['class'] === 'allowed')).toHaveLength(4);
});

test('a ratio beyond the plot is drawn within the plot, and its figure shows the true value', () => {
  const elements = elementsOf(chart(RATIOS));
  const width = Number(elements[0]?.attributes['width']);
  for (const { name, attributes } of elements) {
    if (name !== 'rect') continue;
    expect(Number(attributes['x']) + Number(attributes['width'])).toBeLessThan(width);
  }
});
