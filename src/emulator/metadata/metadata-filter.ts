import { notEmulated, unknownProperty } from '../web-api/dataverse-error.ts';

type Members = Readonly<Record<string, unknown>>;

const TERM = /^\(?\s*(\w+)(\/Value)?\s+(eq|ne)\s+(?:'([^']*)'|(true|false|null)|(-?\d+))\s*\)?$/;

/**
 * Reads the filters that clients use on metadata: comparisons of plain members or managed properties, joined by
 * `and` within `or`. All other filters are refused, because a guess could be wrong.
 */
export function metadataFilter(text: string | undefined, type: string): (members: Members) => boolean {
  if (text === undefined) return () => true;
  const alternatives = text
    .split(/\s+or\s+/)
    .map((each) => each.split(/\s+and\s+/).map((term) => readTerm(term)));
  return (members) => alternatives.some((terms) => terms.every((term) => term(members)));

  function readTerm(term: string): (members: Members) => boolean {
    const match = TERM.exec(term.trim());
    if (match === null) throw notEmulated(`The metadata filter '${term}'`);
    const [, name = '', managed, operator, quoted, word, digits] = match;
    const wanted = quoted ?? (word === undefined ? Number(digits) : word === 'null' ? null : word === 'true');
    return (members) => {
      if (!(name in members)) throw unknownProperty(name, type);
      const member = members[name];
      const actual = managed === undefined ? member : valueOf(member);
      return (actual === wanted) === (operator === 'eq');
    };
  }
}

function valueOf(member: unknown): unknown {
  return typeof member === 'object' && member !== null && 'Value' in member ? member.Value : undefined;
}
