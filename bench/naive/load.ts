/**
 * What one writes in an hour to have a table in PostgreSQL: each page is fetched, parsed, and upserted as one
 * jsonb value. The script rounds numbers that JavaScript cannot hold, forgets which table a lookup points to,
 * does not see deletions, and begins anew after a failure. It shows what such a script costs.
 */
import { Client } from 'pg';
import { KINDS } from '../shapes/kinds.ts';
import { propertyOf, type Attribute } from '../shapes/shape.ts';
import { shapeOf, type ShapeName } from '../shapes/shapes.ts';
import { preferences } from '../source/table.ts';

export interface NaiveLoad {
  /** The address of the rows. */
  readonly rows: string;
  readonly url: string;
  readonly table: string;
  readonly shape: ShapeName;
  readonly columns: number;
  /** Milliseconds after which the script stops. */
  readonly longest: number;
}

export interface NaiveTime {
  readonly milliseconds: number;
  readonly rows: number;
}

interface Page {
  readonly value: readonly unknown[];
  readonly '@odata.nextLink'?: string;
}

const { rows: first, url, table, shape, columns, longest } = JSON.parse(process.argv[2] ?? '') as NaiveLoad;
const made = shapeOf(shape, columns);
const { key, attributes } = made;
const client = new Client({ connectionString: url });
await client.connect();

const names = attributes.map(({ name }) => `"${name}"`);
const upsert = `INSERT INTO ${table} (${names.join(', ')})
  SELECT ${attributes.map(expression).join(', ')}
  FROM jsonb_to_recordset($1::jsonb) AS page (${attributes.map(declaration).join(', ')})
  ON CONFLICT ("${key}") DO UPDATE SET ${names.map((name) => `${name} = excluded.${name}`).join(', ')}`;

// As mirrorverse asks for them, so that the pages are the same.
const headers = {
  accept: 'application/json',
  'accept-encoding': 'gzip',
  prefer: `odata.maxpagesize=5000,${preferences(made)}`,
};

const begun = performance.now();
let rows = 0;
for (let link: string | undefined = first; link !== undefined && performance.now() - begun < longest;) {
  const page = (await (await fetch(link, { headers })).json()) as Page;
  await client.query(upsert, [JSON.stringify(page.value)]);
  rows += page.value.length;
  link = page['@odata.nextLink'];
}
const milliseconds = performance.now() - begun;
await client.end();
process.send?.({ milliseconds, rows } satisfies NaiveTime);
process.disconnect();

function declaration(attribute: Attribute): string {
  return `"${propertyOf(attribute)}" ${KINDS[attribute.kind].recordType}`;
}

function expression(attribute: Attribute): string {
  const value = `page."${propertyOf(attribute)}"`;
  return attribute.kind === 'choices' ? `string_to_array(${value}, ',')::int[]` : value;
}
