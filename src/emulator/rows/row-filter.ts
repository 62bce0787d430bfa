import { badRequest, notEmulated, unsupportedByProvider } from '../web-api/dataverse-error.ts';
import type { QueryOptions } from '../web-api/query-options.ts';
import type { StoredRow } from '../store/stored-row.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const EQUAL = /^(\w+)\s+eq\s+'?([0-9a-fA-F-]{36})'?$/;
const IN =
  /^Microsoft\.Dynamics\.CRM\.In\(\s*PropertyName\s*=\s*(@\w+|'[^']*')\s*,\s*PropertyValues\s*=\s*(@\w+|\[.*\])\s*\)$/s;
const VERSIONS = /^versionnumber (gt|ge|lt|le) (\d+)(?: and versionnumber (gt|ge|lt|le) (\d+))?$/;
const LIST = /^\[\s*(?:(?:'[^']*'|"[^"]*")\s*,\s*)*(?:'[^']*'|"[^"]*")\s*\]$/;

/**
 * Reads the filters of plain reads that name rows by their primary id: `accountid eq <id>` and the query function
 * `Microsoft.Dynamics.CRM.In(PropertyName='accountid',PropertyValues=['<id>','<id>'])`, whose arguments may be
 * parameter aliases. It also reads filters by the row version: `versionnumber gt 5 and versionnumber le 9`. All other
 * filters are refused, because a guess could be wrong.
 */
export function rowFilter(options: QueryOptions, table: TableDefinition): (row: StoredRow) => boolean {
  const text = options.get('$filter')?.trim();
  if (text === undefined) return () => true;
  const equal = EQUAL.exec(text);
  if (equal?.[1] === table.primaryIdAttribute) {
    const wanted = (equal[2] ?? '').toLowerCase();
    return (row) => row.id === wanted;
  }
  const versions = VERSIONS.exec(text);
  if (versions !== null) {
    // A provider translates few filters, and the version is not a column of its system.
    if (table.tableType === 'Virtual') throw unsupportedByProvider();
    const [, first = '', bound = '', second, other] = versions;
    const isWanted = comparison(first, BigInt(bound));
    const isWantedToo = second === undefined ? () => true : comparison(second, BigInt(other ?? ''));
    return ({ version }) => isWanted(version) && isWantedToo(version);
  }
  const call = IN.exec(text);
  if (call === null) throw notEmulated(`$filter=${text}`);
  const name = argument(call[1] ?? '', options).slice(1, -1);
  if (name !== table.primaryIdAttribute) throw notEmulated(`In over ${name}`);
  const wanted = idsOf(argument(call[2] ?? '', options));
  return (row) => wanted.has(row.id);
}

function comparison(operator: string, bound: bigint): (version: bigint) => boolean {
  if (operator === 'gt') return (version) => version > bound;
  if (operator === 'ge') return (version) => version >= bound;
  if (operator === 'lt') return (version) => version < bound;
  return (version) => version <= bound;
}

function argument(text: string, options: QueryOptions): string {
  if (!text.startsWith('@')) return text;
  const value = options.get(text);
  if (value === undefined) throw badRequest(`The parameter alias '${text}' has no value.`);
  return value.trim();
}

function idsOf(list: string): ReadonlySet<string> {
  if (!LIST.test(list)) throw badRequest(`Invalid value '${list}' for the parameter PropertyValues.`);
  const ids = [...list.matchAll(/['"]([^'"]*)['"]/g)].map((match) => (match[1] ?? '').toLowerCase());
  const wrong = ids.find((id) => !GUID.test(id));
  if (wrong !== undefined) throw badRequest(`'${wrong}' is no unique identifier.`);
  return new Set(ids);
}
