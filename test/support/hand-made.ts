import { parsePage } from '../../src/dataverse/page/page-parser.ts';
import { RowShape } from '../../src/dataverse/page/row-collector.ts';
import type { Page } from '../../src/model/page.ts';
import type { Column, ColumnType, Table } from '../../src/model/table.ts';

/** A small table with a column of every type, for tests that need no emulator. */
const COLUMNS: readonly (readonly [name: string, type: ColumnType])[] = [
  ['thingid', 'uuid'],
  ['versionnumber', 'bigint'],
  ['name', 'text'],
  ['amount', 'numeric'],
  ['count', 'integer'],
  ['big', 'bigint'],
  ['ratio', 'double'],
  ['done', 'boolean'],
  ['choices', 'integers'],
  ['seenon', 'timestamptz'],
  ['walltime', 'timestamp'],
  ['birthday', 'date'],
];

export const THING: Table = thingWith(COLUMNS);

export function thingWith(columns: readonly (readonly [name: string, type: ColumnType])[]): Table {
  return {
    logicalName: 'thing',
    entitySet: 'things',
    key: 'thingid',
    version: 'versionnumber',
    displayName: 'Thing',
    description: "What's mirrored",
    columns: columns.map(([name, type]): Column => {
      return { name, type, attribute: name, property: name, selectable: true, displayName: name };
    }),
  };
}

export const THING_COLUMNS = COLUMNS;

/** `00000000-0000-4000-8000-000000000007` for 7. */
export function id(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

/** A row as JSON text; values are JSON literals, so that exact numbers can be written. */
export function row(key: number, version: number, literals: Record<string, string> = {}): string {
  const members = { thingid: `"${id(key)}"`, versionnumber: String(version), ...literals };
  return `{${Object.entries(members)
    .map(([name, literal]) => `${JSON.stringify(name)}:${literal}`)
    .join(',')}}`;
}

export function tombstone(key: number, reason = 'deleted'): string {
  return `{"@odata.context":"https://org/api/data/v9.2/$metadata#things/$deletedEntity","id":"${id(key)}","reason":"${reason}"}`;
}

/** A page of such entries that goes on with a next link or ends with a delta link. */
export function page(entries: readonly string[], kind: 'next' | 'delta', table: Table = THING): Page {
  const member = kind === 'next' ? '@odata.nextLink' : '@odata.deltaLink';
  const text = `{"value":[${entries.join(',')}],"${member}":"https://org/${kind}/${entries.length}"}`;
  const shape = new RowShape(table.columns.map((column) => column.property));
  const parsed = parsePage(new TextEncoder().encode(text), shape);
  if (parsed.link === null) throw new Error('a page without a link');
  return { ...parsed, link: parsed.link };
}
