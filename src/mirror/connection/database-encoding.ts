import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import { transaction } from './postgres.ts';

/**
 * Makes sure that the database can hold every character that Dataverse has.
 *
 * @throws Failure `database-encoding` where it is not of UTF-8: most texts would go to quarantine, or,
 *   with SQL_ASCII, be bytes that nobody knows the encoding of.
 */
export async function assertEncoding(pool: pg.Pool): Promise<void> {
  const encoding = await transaction(pool, async (client) => {
    const { rows } = await client.query<{ encoding: string }>(
      `SELECT current_setting('server_encoding') AS encoding`,
    );
    return rows[0]?.encoding;
  });
  if (encoding === 'UTF8') return;
  throw new Failure({
    code: 'database-encoding',
    message: `The database has encoding ${encoding}, which cannot hold all characters of Dataverse.`,
    details: { encoding },
  });
}
