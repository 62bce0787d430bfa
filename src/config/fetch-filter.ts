import { SaxesParser } from 'saxes';

/**
 * What is wrong with a filter of FetchXML as text: it must be one `filter` element, so that it can stand in a query and
 * end nothing of it. The environment judges what is in it.
 *
 * @returns words that go on after the name of the key; undefined if the filter can be sent.
 */
export function fetchFilterProblem(text: string): string | undefined {
  let depth = 0;
  let roots = 0;
  let problem: string | undefined;
  const parser = new SaxesParser({ fragment: true });
  parser.on('error', () => (problem ??= 'is not well-formed XML'));
  parser.on('opentag', ({ name }) => {
    if (depth++ === 0) roots++;
    if (depth === 1 && name !== 'filter') problem ??= `must be a filter element, and has ${name}`;
  });
  parser.on('closetag', () => depth--);
  parser.on('text', (between) => {
    if (depth === 0 && between.trim() !== '') problem ??= 'has text beside its filter element';
  });
  parser.on('doctype', () => (problem ??= 'must not have a document type'));
  parser.write(text).close();
  return problem ?? (roots === 1 ? undefined : 'must be one filter element');
}
