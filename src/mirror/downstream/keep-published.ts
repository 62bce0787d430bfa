import type pg from 'pg';
import { setReplicaIdentity } from '../table/partitions/with-partitions.ts';
import { inSavepoint } from '../connection/postgres.ts';
import { isContention, isPostgresError, type PostgresError } from '../connection/sqlstate.ts';
import { endVacuum, STRONG_LOCK_TIMEOUT, WITHOUT_LOCK_TIMEOUT } from '../connection/strong-lock.ts';
import { quoteIdentifier } from '../table/identifier.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import { markBeginning, readerOf, takesTable, wantsWholeRows } from './publication-mark.ts';

/** A publication that mirrorverse keeps. */
interface KeptPublication {
  readonly name: string;
  readonly comment: string;
  /** It has the mirror table. */
  readonly contains: boolean;
}

/**
 * Keeps a mirror table in the publications that mirrorverse keeps, and gives the table the replica identity that its
 * publications need, in the caller's transaction.
 *
 * A publication knows a table by PostgreSQL's number of the table. A table that was dropped and made anew would have
 * left the publication in silence.
 *
 * Without a replica identity, PostgreSQL refuses every update and delete of a published table. A table without a primary
 * key gets one in any case, because somebody may publish all tables. Its identity is the whole row: its partition may be
 * null, which an identity index may not hold.
 *
 * @returns the statements that PostgreSQL refused. They stop no table.
 */
export async function keepPublished(
  client: pg.ClientBase,
  { schema, qualified, partitionField }: MirrorTable,
): Promise<readonly string[]> {
  const { rows } = await client.query<{
    identity: string;
    keyed: boolean;
    publications: readonly KeptPublication[] | null;
  }>(
    `SELECT c.relreplident AS identity,
            EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) AS keyed,
            (SELECT json_agg(json_build_object('name', p.pubname, 'comment', d.description, 'contains', p.puballtables
                      OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid)))
               FROM pg_publication p
               JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_publication'::regclass
              WHERE position($2 IN d.description) > 0) AS publications
       FROM pg_class c WHERE c.oid = $1::regclass`,
    [qualified, markBeginning(schema)],
  );
  const [found] = rows;
  if (found === undefined) return [];
  const isElastic = partitionField !== undefined;
  const taking = (found.publications ?? []).flatMap((publication) => {
    const reader = readerOf(publication.comment, schema);
    return takesTable(reader, isElastic) ? [{ ...publication, reader }] : [];
  });
  const refused: string[] = [];
  const lacking = taking.filter(({ contains }) => !contains);
  const needsIdentity = !found.keyed && found.identity === 'd';
  const wantsIdentity = found.identity !== 'f' && taking.some(({ reader }) => wantsWholeRows(reader));
  if (!needsIdentity && !wantsIdentity && lacking.length === 0) return [];
  await endVacuum(client, qualified);
  await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
  if (needsIdentity || wantsIdentity) await setReplicaIdentity(client, qualified, 'full');
  for (const { name } of lacking) {
    const statement = `ALTER PUBLICATION ${quoteIdentifier(name)} ADD TABLE ${qualified}`;
    const add = async (): Promise<void> => void (await client.query(statement));
    const error = await inSavepoint(client, add, isRefusal);
    // Another process was faster.
    if (error !== undefined && error.code !== '42710') refused.push(`${statement};`);
  }
  await client.query(WITHOUT_LOCK_TIMEOUT);
  return refused;
}

/**
 * PostgreSQL locks the whole publication until the transaction ends, so tables that are made at the same time wait for
 * each other. A wait in vain repeats the transaction. Otherwise the table would stay out of the publication.
 */
function isRefusal(error: unknown): error is PostgresError {
  return isPostgresError(error) && !isContention(error);
}
