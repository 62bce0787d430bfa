import type pg from 'pg';
import { whereLocksAllow } from '../../connection/strong-lock.ts';
import { qualifiedName, shortenIdentifier } from '../identifier.ts';
import type { MirrorTable } from '../mirror-table.ts';

/** Name of the table into which a mirror table is moved, unquoted. It gets the name of the mirror table at the end. */
export function movedName({ identifier }: Pick<MirrorTable, 'identifier'>): string {
  return shortenIdentifier(`_${identifier}_moving`);
}

/**
 * Drops what a move has left that did not come to its end, in the caller's transaction. Somebody may keep it locked,
 * such as a dump. Then it stays for now.
 *
 * @returns whether nothing is left.
 */
export async function dropUnfinishedMove(
  client: pg.ClientBase,
  mirror: Pick<MirrorTable, 'schema' | 'identifier'>,
): Promise<boolean> {
  const name = qualifiedName(mirror.schema, movedName(mirror));
  const { rows } = await client.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [
    name,
  ]);
  if (rows[0]?.found !== true) return true;
  return whereLocksAllow(client, async () => client.query(`DROP TABLE ${name}`));
}
