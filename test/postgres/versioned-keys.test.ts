import * as fc from 'fast-check';
import { Pool } from 'pg';
import { expect, test } from 'vitest';
import { CopyOutput } from '../../src/mirror/copy/copy-output.ts';
import { parseKey, rowKeys, rowVersion } from '../../src/mirror/page/row-key.ts';
import { mirrorTable } from '../../src/mirror/table/mirror-table.ts';
import { addVersionedKeys } from '../../src/mirror/verify/versioned-keys.ts';
import { freshDatabase } from '../support/database.ts';
import { pageRows } from '../unit/page-rows.ts';
import { column, sampleTable } from '../unit/sample-table.ts';

const mirror = mirrorTable(
  sampleTable([column('partitionid', 'text')], { partition: 'partitionid' }),
  'dataverse',
  false,
);
const key = fc.oneof(
  fc.uuid().map((guid) => `"${guid}"`),
  fc.uuid().map((guid) => `"${guid.toUpperCase()}"`),
  fc.constantFrom(null, '"no key"'),
);
const version = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String),
  fc.nat(100_000).map((number) => `"${number}"`),
  fc.constantFrom(null, '9223372036854775807', '9223372036854775808', '1.5'),
);
const partition = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }).map((text) => JSON.stringify(text)),
  fc.constantFrom(null, '""', String.raw`"\u0000"`, String.raw`"\ud800"`),
);

test('a verification has exactly the keys and versions of a page, but for rows without a key that can be stored', async () => {
  const database = await freshDatabase();
  const pool = new Pool({ connectionString: database.url, max: 1 });
  const client = await pool.connect();
  await client.query('CREATE TABLE keys (key uuid NOT NULL, partition text, version bigint)');
  const memory = new CopyOutput();
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(key, version, partition), { maxLength: 40 }), async (cells) => {
        const page = pageRows(cells, 3);
        await addVersionedKeys(client, mirror, { keys: 'keys', suspects: '' }, page, memory);
        const { rows } = await client.query(
          'WITH taken AS (DELETE FROM keys RETURNING ctid, *) SELECT key::text, partition, version::text FROM taken ORDER BY ctid',
        );
        const expected = rowKeys(mirror, page).flatMap((text, row) => {
          const id = text === null ? null : parseKey(text);
          return id === null ? [] : [{ ...id, version: rowVersion(mirror, page, row)?.toString() ?? null }];
        });
        expect(rows).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  } finally {
    client.release();
    await pool.end();
    await database.drop();
  }
});
