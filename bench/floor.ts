/** The floor: the same rows, ready as COPY text, into a table like the mirror's, with its key. */
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { AccountRows, attributes } from './account-rows.ts';

const [url, rowsArgument, columnsArgument] = process.argv.slice(2);
const total = Number(rowsArgument);
const columns = Number(columnsArgument);
const PIECE = 5_000;

const rows = new AccountRows(columns);
const pieces: Buffer[] = [];
for (let from = 0; from < total; from += PIECE) {
  pieces.push(rows.copyText(from, Math.min(total, from + PIECE)));
}
const client = new Client({ connectionString: url });
await client.connect();
await client.query('DROP TABLE IF EXISTS floor');
await client.query('CREATE TABLE floor (LIKE dataverse.account INCLUDING ALL)');
await client.query('CHECKPOINT');
await delay(500);
const names = attributes(columns).map((attribute) => `"${attribute.name}"`);
const begun = performance.now();
const copy = client.query(copyFrom(`COPY floor (${names.join(', ')}) FROM STDIN`));
for (const piece of pieces) {
  if (!copy.write(piece)) await new Promise((resolve) => copy.once('drain', resolve));
}
copy.end();
await finished(copy);
const milliseconds = performance.now() - begun;
await client.end();
process.send?.({ milliseconds });
process.disconnect();
