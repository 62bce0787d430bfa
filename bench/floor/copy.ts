/** The floor of a load: the rows of tables, ready as COPY text, into tables like the mirror's. */
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { columnsOf } from '../shapes/shape.ts';
import { shapeOf, type ShapeName } from '../shapes/shapes.ts';
import { timed } from './timed.ts';
import { prepareText, writeReadyText } from './write-ready-text.ts';

export interface CopyFloor {
  readonly url: string;
  readonly shape: ShapeName;
  readonly columns: number;
  /** One after the other; each is there, and empty. */
  readonly tables: readonly { readonly name: string; readonly rows: number }[];
}

const { url, shape: name, columns, tables } = JSON.parse(process.argv[2] ?? '') as CopyFloor;
const shape = shapeOf(name, columns);
const rotation = prepareText(shape);
const names = shape.attributes.flatMap(columnsOf).map((column) => `"${column}"`);
const client = new Client({ connectionString: url });
await client.connect();
const time = await timed(client, async () => {
  for (const { name: table, rows } of tables) {
    const copy = client.query(copyFrom(`COPY ${table} (${names.join(', ')}) FROM STDIN`));
    await writeReadyText(copy, rotation, { count: rows, rowAt: (at) => at, place: 0, changes: 0 });
  }
});
await client.end();
process.send?.(time);
process.disconnect();
