/** The floor of a load: the rows of tables, ready as COPY text, into tables like the mirror's. */
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { attributes } from '../rows/attributes.ts';
import { timed } from './timed.ts';
import { prepareText, writeReadyText } from './write-ready-text.ts';

export interface CopyFloor {
  readonly url: string;
  readonly columns: number;
  /** One after the other; each is there, and empty. */
  readonly tables: readonly { readonly name: string; readonly rows: number }[];
}

const { url, columns, tables } = JSON.parse(process.argv[2] ?? '') as CopyFloor;
const rotation = prepareText(columns);
const names = attributes(columns).map(({ name }) => `"${name}"`);
const client = new Client({ connectionString: url });
await client.connect();
const time = await timed(client, async () => {
  for (const { name, rows } of tables) {
    const copy = client.query(copyFrom(`COPY ${name} (${names.join(', ')}) FROM STDIN`));
    await writeReadyText(copy, rotation, { count: rows, rowAt: (at) => at, place: 0, changes: 0 });
  }
});
await client.end();
process.send?.(time);
process.disconnect();
