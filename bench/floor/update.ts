/** The floor of a delta: changed rows, ready as COPY text, into a staging table and by one UPDATE over. */
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { changedRows, preparedPlace } from '../rows/changed-rows.ts';
import { columnsOf } from '../shapes/shape.ts';
import { shapeOf, type ShapeName } from '../shapes/shapes.ts';
import { timed } from './timed.ts';
import { prepareText, writeReadyText } from './write-ready-text.ts';

export interface UpdateFloor {
  readonly url: string;
  readonly shape: ShapeName;
  readonly columns: number;
  readonly table: string;
  /** Rows of the table. */
  readonly rows: number;
  /** How many of them change. */
  readonly changed: number;
  /** Changes of the table so far, this one included. */
  readonly changes: number;
}

const order = JSON.parse(process.argv[2] ?? '') as UpdateFloor;
const { url, table, rows, changed, changes } = order;
const shape = shapeOf(order.shape, order.columns);
const rotation = prepareText(shape);
const names = shape.attributes.flatMap(columnsOf).map((column) => `"${column}"`);
const set = names.filter((name) => name !== `"${shape.key}"`).map((name) => `${name} = s.${name}`);
const { count, row } = changedRows(rows, changed);
const client = new Client({ connectionString: url });
await client.connect();
const time = await timed(client, async () => {
  await client.query('BEGIN');
  await client.query(
    `CREATE TEMPORARY TABLE stage ON COMMIT DROP AS SELECT ${names.join(', ')} FROM ${table} WITH NO DATA`,
  );
  const copy = client.query(copyFrom(`COPY stage (${names.join(', ')}) FROM STDIN`));
  await writeReadyText(copy, rotation, { count, rowAt: row, place: preparedPlace(0, changes), changes });
  const updated = await client.query(
    `UPDATE ${table} t SET ${set.join(', ')}, "_mirrored_at" = now() FROM stage s WHERE t."${shape.key}" = s."${shape.key}"`,
  );
  if (updated.rowCount !== count) throw new Error(`${updated.rowCount} rows were updated, not ${count}.`);
  await client.query('COMMIT');
});
await client.end();
process.send?.(time);
process.disconnect();
