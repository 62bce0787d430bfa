import { SaxesParser } from 'saxes';
import { DataverseError } from '../web-api/dataverse-error.ts';

/** An element of a query in FetchXML. */
export interface FetchElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly FetchElement[];
  readonly text: string;
}

/** The refusal of a query, also of one that this emulator cannot evaluate: a guess could bring too many rows. */
export function fetchError(message: string): DataverseError {
  return new DataverseError(400, '0x80041103', message);
}

/** Reads a query in FetchXML. @throws DataverseError for text that is not well-formed. */
export function parseFetch(text: string): FetchElement {
  const roots: FetchElement[] = [];
  const open: { children: FetchElement[]; text: string }[] = [{ children: roots, text: '' }];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw fetchError(`Invalid XML: ${error.message}`);
  });
  parser.on('opentag', () => open.push({ children: [], text: '' }));
  parser.on('text', (part) => {
    const current = open.at(-1);
    if (current !== undefined) current.text += part;
  });
  parser.on('closetag', ({ name, attributes }) => {
    const ended = open.pop();
    if (ended !== undefined) open.at(-1)?.children.push({ name, attributes, ...ended });
  });
  parser.write(text).close();
  const [root] = roots;
  if (root?.name !== 'fetch') throw fetchError('The query must begin with the element fetch.');
  return root;
}

/** @throws DataverseError for an attribute that is not among the known ones. */
export function refuseUnknown({ name, attributes }: FetchElement, known: readonly string[]): void {
  const unknown = Object.keys(attributes).find((attribute) => !known.includes(attribute));
  if (unknown !== undefined) throw fetchError(`The attribute ${unknown} of ${name} is not emulated.`);
}
