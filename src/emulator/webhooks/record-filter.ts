import { badRequest, notEmulated, unknownProperty } from '../web-api/dataverse-error.ts';
import type { WebhookRecord } from './webhook-records.ts';

const COMPARISON = /^(\w+) eq (?:'((?:[^']|'')*)'|([0-9a-fA-F-]{36})|(-?\d+)|(true|false|null))$/;
const BEGINNING = /^startswith\((\w+),\s*'((?:[^']|'')*)'\)$/;

/**
 * Reads a filter of comparisons with `eq` and `startswith`, joined by `and` and `or`, where `and` binds closer. Other
 * filters are refused, because a guess could be wrong.
 *
 * @param properties of the entity set; others are unknown.
 */
export function recordFilter(
  text: string | undefined,
  type: string,
  properties: ReadonlySet<string>,
): (record: WebhookRecord) => boolean {
  if (text === undefined) return () => true;
  const alternatives = split(text, 'or').map((part) =>
    split(part, 'and').map((term) => comparison(term, type, properties)),
  );
  return (record) => alternatives.some((terms) => terms.every((fits) => fits(record)));
}

/** Splits at a word that stands outside of quotation marks. */
function split(text: string, word: string): string[] {
  const parts: string[] = [''];
  for (const piece of text.split(/('(?:[^']|'')*')/)) {
    const [first = '', ...others] = piece.startsWith("'") ? [piece] : piece.split(` ${word} `);
    parts[parts.length - 1] += first;
    parts.push(...others);
  }
  return parts.map((part) => part.trim());
}

function comparison(
  term: string,
  type: string,
  properties: ReadonlySet<string>,
): (record: WebhookRecord) => boolean {
  const [, name = '', quoted, id, number, word] = COMPARISON.exec(term) ?? [];
  const [, begun = '', beginning] = BEGINNING.exec(term) ?? [];
  const property = name === '' ? begun : name;
  if (property === '') throw notEmulated(`$filter with ${term}`);
  if (!properties.has(property)) throw unknownProperty(property, type);
  if (beginning !== undefined) {
    const start = unquoted(beginning).toLowerCase();
    return (record) =>
      String(record[property] ?? '')
        .toLowerCase()
        .startsWith(start);
  }
  // Dataverse compares texts without regard to case.
  if (quoted !== undefined) {
    const wanted = unquoted(quoted).toLowerCase();
    return (record) => String(record[property] ?? '').toLowerCase() === wanted;
  }
  if (id !== undefined) return (record) => record[property] === id.toLowerCase();
  if (number !== undefined) return (record) => record[property] === Number(number);
  if (word === undefined) throw badRequest(`Syntax error in $filter: '${term}'.`);
  const wanted = word === 'null' ? null : word === 'true';
  return (record) => (record[property] ?? null) === wanted;
}

const unquoted = (text: string): string => text.replaceAll("''", "'");
