import { badRequest } from './dataverse-error.ts';

/** The query options of a request, decoded. */
export type QueryOptions = ReadonlyMap<string, string>;

/** Options that the Web API does not know either. */
const UNSUPPORTED = new Set(['$skip', '$search', '$format']);

/** Splits a query string. A plus sign means a blank, because clients that encode links again write it so. */
export function parseQuery(query: string): QueryOptions {
  const options = new Map<string, string>();
  for (const part of query.split('&')) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const name = decode(at < 0 ? part : part.slice(0, at));
    options.set(name, at < 0 ? '' : decode(part.slice(at + 1)));
  }
  return options;
}

export function refuseUnsupportedOptions(options: QueryOptions): void {
  for (const name of options.keys()) {
    if (UNSUPPORTED.has(name)) throw badRequest(`The query parameter ${name} is not supported`);
  }
}

/** The members of a comma-separated list such as `$select`; null without the option. */
export function listOption(options: QueryOptions, name: string): string[] | null {
  const value = options.get(name);
  if (value === undefined) return null;
  const members = value.split(',').map((member) => member.trim());
  if (members.includes('')) throw badRequest(`Syntax error in ${name}: '${value}'.`);
  return members;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw badRequest(`The query string holds a malformed escape: '${text}'.`);
  }
}
