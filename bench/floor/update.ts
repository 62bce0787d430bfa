/** The floor of a delta: changed rows, ready as COPY text, into a staging table and by one UPDATE over. */
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { attributes, KEY } from '../rows/attributes.ts';
import { changedRows, preparedPlace } from '../rows/changed-rows.ts';
import { timed } from './timed.ts';
import { prepareText, writeReadyText } from './write-ready-text.ts';

export interface UpdateFloor {
  readonly url: string;
  readonly columns: number;
  readonly table: string;
  /** Rows of the table. */
  readonly rows: number;
  /** How many of them change. */
  readonly changed: number;
  /** Changes of the table so far, this one included. */
  readonly changes: number;
}

const { url, columns, table, rows, changed, changes } = JSON.parse(process.argv[2] ?? '') as UpdateFloor;
const rotation = prepareText(columns);
const names = attributes(columns).map(({ name }) => `"${name}"`);
const set = names.filter((name) => name !== `"${KEY}"`).map((name) => `${name} = s.${name}`);
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
    `UPDATE ${table} t SET ${set.join(', ')}, "_mirrored_at" = now() FROM stage s WHERE t."${KEY}" = s."${KEY}"`,
  );
  if (updated.rowCount !== count) throw new Error(`${updated.rowCount} rows were updated, not ${count}.`);
  await client.query('COMMIT');
});
await client.end();
process.send?.(time);
process.disconnect();
