import { Failure } from '../../model/failure.ts';
import type { Link } from '../../model/page.ts';
import type { Column, Table } from '../../model/table.ts';
import type { FetchPaging } from '../page/page-envelope.ts';
import type { Selection } from '../feed/selection.ts';

/** The annotations with which an answer says whether a further page follows, and where it begins. */
export const PAGING_ANNOTATIONS = [
  'Microsoft.Dynamics.CRM.fetchxmlpagingcookie',
  'Microsoft.Dynamics.CRM.morerecords',
];

/** A condition beside the filter of the configuration. */
export interface FetchCondition {
  readonly attribute: string;
  readonly operator: 'gt' | 'le' | 'in';
  readonly values: readonly string[];
}

/** The queries that read the rows of a table which a filter of FetchXML lets in. */
export interface FetchQuery {
  /** The address of the first page, in the order of the whole key. */
  first(selection: Selection, conditions?: readonly FetchCondition[]): string;
  /** The same page with another number of rows at most. An address of another form stays as it is. */
  withRows(url: string, rows: number): string;
  /** The properties that an address asks for; null for all. */
  selectionOf(url: string): Selection;
  /**
   * The link to the page after the page of an address; null after the last one.
   *
   * @param came rows on that page.
   * @throws Failure `unexpected-answer` if the answer does not tell where the next page begins. Without a paging cookie,
   *   the environment counts pages, and gives 50,000 rows at most ("Page results using FetchXml").
   */
  linkAfter(url: string, paging: FetchPaging, came: number): Link | null;
}

/** Characters of all attributes at most; a query with more asks for all attributes. A GET may have 32 KB. */
const LONGEST_ATTRIBUTES = 16_000;
/** Rows of a page if nothing else is said, which is the most that an environment gives. */
const PAGE = 5_000;
const HEAD = /^<fetch count='(\d+)' page='(\d+)'(?: paging-cookie='([^']*)')?>/;
const OPTION = '?fetchXml=';

/** @param filter of the configuration: one filter element. */
export function createFetchQuery(table: Table, filter: string): FetchQuery {
  const name = table.logicalName;
  const keys = table.partition === undefined ? [table.key] : [table.key, table.partition];
  const order = keys.map((key) => `<order attribute='${attributeText(key)}'/>`).join('');

  function body(selection: Selection, conditions: readonly FetchCondition[]): string {
    const named = attributesOf(table, selection)
      .map((attribute) => `<attribute name='${attributeText(attribute)}'/>`)
      .join('');
    const isAll = selection === null || encoded(named).length > LONGEST_ATTRIBUTES;
    const more = conditions.map(conditionText).join('');
    const filters = more === '' ? filter : `<filter type='and'>${filter}${more}</filter>`;
    return `<entity name='${attributeText(name)}'>${isAll ? '<all-attributes/>' : named}${filters}${order}</entity></fetch>`;
  }

  return {
    first: (selection, conditions = []) =>
      `${table.entitySet}${OPTION}${encoded(`<fetch count='${PAGE}' page='1'>${body(selection, conditions)}`)}`,
    withRows(url, rows) {
      const query = parsed(url);
      if (query === undefined) return url;
      const { base, page, cookie, rest } = query;
      return base + encoded(head(rows, page, cookie) + rest);
    },
    selectionOf(url) {
      const rest = parsed(url)?.rest;
      if (rest === undefined || rest.includes('<all-attributes/>')) return null;
      const [before = ''] = rest.split('<filter');
      const named = new Set(
        [...before.matchAll(/<attribute name='([^']*)'/g)].map(([, attribute]) => attribute),
      );
      return table.columns
        .filter((column) => column.selectable && named.has(attributeText(fetchName(column))))
        .map(({ property }) => property);
    },
    linkAfter(url, { cookie: given, more }, came) {
      const query = parsed(url);
      if (query === undefined || more === false) return null;
      const cookie = given === undefined ? undefined : innerCookie(given);
      const { base, rows, page, rest } = query;
      // Without a word on further pages, a page that has room left is the last one.
      if (cookie === undefined && more === undefined && came < rows) return null;
      if (cookie === undefined) throw noCookie(name);
      if (more === undefined && came === 0) return null;
      return { kind: 'next', url: base + encoded(head(rows, page + 1, attributeText(cookie)) + rest) };
    },
  };
}

function head(rows: number, page: number, cookie: string | undefined): string {
  const from = cookie === undefined ? '' : ` paging-cookie='${cookie}'`;
  return `<fetch count='${rows}' page='${page}'${from}>`;
}

/** The parts of an address that this file has written; undefined for any other address. */
function parsed(url: string) {
  const at = url.indexOf(OPTION);
  if (at < 0) return undefined;
  const text = decodeURIComponent(url.slice(at + OPTION.length));
  const found = HEAD.exec(text);
  if (found === null) return undefined;
  const [start, rows, page, cookie] = found;
  const base = url.slice(0, at + OPTION.length);
  return { base, rows: Number(rows), page: Number(page), cookie, rest: text.slice(start.length) };
}

/** The logical names of the selected properties. */
function attributesOf(table: Table, selection: Selection): string[] {
  const selected = selection === null ? undefined : new Set(selection);
  const columns = table.columns.filter(
    ({ selectable, property }) => selectable && selected?.has(property) !== false,
  );
  return [...new Set(columns.map(fetchName))];
}

/** FetchXML names lookups by their logical names. Rows, and `$select`, have them as `_ownerid_value`. */
function fetchName({ attribute, property }: Column): string {
  return property === `_${attribute}_value` ? attribute : property;
}

function conditionText({ attribute, operator, values }: FetchCondition): string {
  const about = `attribute='${attributeText(attribute)}' operator='${operator}'`;
  if (operator !== 'in') return `<condition ${about} value='${attributeText(values[0] ?? '')}'/>`;
  return `<condition ${about}>${values.map((value) => `<value>${value}</value>`).join('')}</condition>`;
}

/**
 * The cookie that the next query has to have. The annotation has it in an attribute, with percent signs for the second
 * time ("Page results using FetchXml").
 */
function innerCookie(annotation: string): string | undefined {
  const nested = /pagingcookie="([^"]*)"/.exec(annotation)?.[1];
  if (nested === undefined) return undefined;
  try {
    const cookie = decodeURIComponent(decodeURIComponent(nested));
    return cookie.startsWith('<cookie') ? cookie : undefined;
  } catch {
    return undefined;
  }
}

/** Blanks, quotes and angle brackets are encoded. Signs that a query may have stay, because each one counts. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll('%3D', '=').replaceAll('%2F', '/').replaceAll('%3A', ':');
}

function attributeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll("'", '&apos;');
}

function noCookie(table: string): Failure {
  return new Failure({
    code: 'unexpected-answer',
    reaction: 'stop-table',
    message: `The environment gave a page of table ${table} by FetchXML, and not where the next page begins.`,
    remedy: `Write \`rows\` of table ${table} as an expression of SQL.`,
    details: { table },
  });
}
