import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import { transaction } from '../connection/postgres.ts';
import { endVacuum, STRONG_LOCK_TIMEOUT, WITHOUT_LOCK_TIMEOUT } from '../connection/strong-lock.ts';
import type { MirrorDatabase } from '../database.ts';
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../table/identifier.ts';
import { MIRRORED_AT } from '../table/mirror-table.ts';
import { setReplicaIdentity } from '../table/partitions/with-partitions.ts';
import { wantsWholeRows, withMark, type PublicationReader } from './publication-mark.ts';

export interface PublicationWishes {
  readonly name: string;
  readonly reader: PublicationReader | null;
  /** Reads the names of the mirror tables that it must have, unquoted. */
  readonly readWanted: () => Promise<readonly string[]>;
}

export type ReplicaIdentity = 'default' | 'full' | 'index';

export interface PublishedTable {
  /** Name of the mirror table, unquoted. */
  readonly identifier: string;
  /** `removed`: it was in the publication, and is not among the wanted tables. */
  readonly change: 'added' | 'kept' | 'removed';
  /** What PostgreSQL sends of the old row: its primary key, all its values, or the columns of an index. */
  readonly replicaIdentity: ReplicaIdentity;
  /** Whether this call changed the replica identity. */
  readonly identityChanged: boolean;
}

export interface PublicationReport {
  /** Whether the publication is new. */
  readonly created: boolean;
  /** The server's `wal_level`; only `logical` lets anybody subscribe. */
  readonly walLevel: string;
  readonly tables: readonly PublishedTable[];
}

interface FoundPublication {
  readonly all: boolean;
  readonly schemas: readonly string[];
  readonly owned: boolean;
  /** Quoted. */
  readonly owner: string;
  readonly ownerIsSuperuser: boolean;
  readonly comment: string | null;
}

interface FoundTable {
  readonly identifier: string;
  readonly owned: boolean;
  readonly published: boolean;
  /** As pg_class has it; `n` too where the index of the identity is gone. */
  readonly identity: string;
  readonly keyed: boolean;
  readonly mirror: boolean;
}

/**
 * Makes a publication, or changes it, so that of the mirror schema it has exactly the wanted mirror tables. Tables of
 * other schemas stay, and so do tables that are no mirror tables, such as the labels. One transaction does all of it.
 *
 * @throws Failure `grant-missing` with the statements; `name-taken` for a publication of all tables.
 */
export async function publish(
  { pool, schema }: MirrorDatabase,
  { name, reader, readWanted }: PublicationWishes,
): Promise<PublicationReport> {
  return transaction(pool, async (client) => {
    const { role, database, creates, walLevel } = await readSession(client);
    const publication = await findPublication(client, name);
    assertUsable(name, schema, publication);
    assertGranted(name, [
      ...(publication !== undefined || creates ? [] : [`GRANT CREATE ON DATABASE ${database} TO ${role};`]),
      ...(publication?.owned === false ? [ownershipOf(name, publication, role)] : []),
    ]);
    // The command has the lock of the publication and waits for those of its tables. A daemon that prepares a table does
    // it the other way round. The command gives way, and its transaction is repeated.
    await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
    const quoted = quoteIdentifier(name);
    // A partitioned table appears to its subscribers as one table.
    if (publication === undefined) {
      await client.query(`CREATE PUBLICATION ${quoted} WITH (publish_via_partition_root = true)`);
    }
    const comment = withMark(publication?.comment ?? null, schema, reader);
    await client.query(`COMMENT ON PUBLICATION ${quoted} IS ${quoteLiteral(comment)}`);
    // The comment has locked the publication. A table that joins from now on waits. Without the lock, a table that is
    // made while we look would join, and then count as one that nobody wants.
    const wanted = await readWanted();
    const tables = await readTables(client, schema, name, wanted);
    const isWanted = ({ identifier }: FoundTable): boolean => wanted.includes(identifier);
    assertGranted(
      name,
      tables
        .filter((table) => !table.owned && !(table.published && isWanted(table)))
        .map(({ identifier }) => `ALTER TABLE ${qualifiedName(schema, identifier)} OWNER TO ${role};`),
    );
    const lists = (which: (table: FoundTable) => boolean): string =>
      tables
        .filter(which)
        .map(({ identifier }) => qualifiedName(schema, identifier))
        .join(', ');
    const added = lists((table) => isWanted(table) && !table.published);
    const removed = lists((table) => !isWanted(table));
    if (added !== '') await client.query(`ALTER PUBLICATION ${quoted} ADD TABLE ${added}`);
    if (removed !== '') await client.query(`ALTER PUBLICATION ${quoted} DROP TABLE ${removed}`);
    const published: PublishedTable[] = [];
    for (const table of tables) {
      const { identifier } = table;
      const identity = isWanted(table) ? neededIdentity(table, reader) : null;
      if (identity !== null) await changeIdentity(client, qualifiedName(schema, identifier), identity);
      published.push({
        identifier,
        change: isWanted(table) ? (table.published ? 'kept' : 'added') : 'removed',
        replicaIdentity: identity ?? IDENTITIES[table.identity] ?? 'default',
        identityChanged: identity !== null,
      });
    }
    return { created: publication === undefined, walLevel, tables: published };
  });
}

/** The statement that lets the role change the publication. A reader that owns it goes on owning it. */
function ownershipOf(name: string, { owner, ownerIsSuperuser }: FoundPublication, role: string): string {
  if (ownerIsSuperuser) return `ALTER PUBLICATION ${quoteIdentifier(name)} OWNER TO ${role};`;
  return `GRANT ${owner} TO ${role};`;
}

const IDENTITIES: Readonly<Record<string, ReplicaIdentity>> = { d: 'default', f: 'full', i: 'index' };

/** The identity that a table has to get; null if it has one that suffices. */
function neededIdentity(
  { identity, keyed }: FoundTable,
  reader: PublicationReader | null,
): 'default' | 'full' | null {
  if (identity === 'f') return null;
  if (wantsWholeRows(reader)) return 'full';
  if (!keyed) return identity === 'i' ? null : 'full';
  return identity === 'n' ? 'default' : null;
}

async function changeIdentity(
  client: pg.ClientBase,
  qualified: string,
  identity: 'default' | 'full',
): Promise<void> {
  await endVacuum(client, qualified);
  await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
  await setReplicaIdentity(client, qualified, identity);
  await client.query(WITHOUT_LOCK_TIMEOUT);
}

interface SessionFacts {
  /** Quoted. */
  readonly role: string;
  /** Quoted. */
  readonly database: string;
  /** Whether the role may make publications. */
  readonly creates: boolean;
  readonly walLevel: string;
}

async function readSession(client: pg.ClientBase): Promise<SessionFacts> {
  const { rows } = await client.query<SessionFacts & pg.QueryResultRow>(
    `SELECT quote_ident(current_user) AS role, quote_ident(current_database()) AS database,
            has_database_privilege(current_database(), 'CREATE') AS creates,
            current_setting('wal_level') AS "walLevel"`,
  );
  const [facts] = rows;
  if (facts === undefined) throw new TypeError('A SELECT without FROM gives one row.');
  return facts;
}

async function findPublication(client: pg.ClientBase, name: string): Promise<FoundPublication | undefined> {
  const { rows } = await client.query<FoundPublication & pg.QueryResultRow>(
    `SELECT p.puballtables AS "all", pg_has_role(p.pubowner, 'USAGE') AS owned,
            quote_ident(r.rolname) AS owner, r.rolsuper AS "ownerIsSuperuser",
            obj_description(p.oid, 'pg_publication') AS comment,
            ARRAY(SELECT n.nspname::text FROM pg_publication_namespace pn JOIN pg_namespace n ON n.oid = pn.pnnspid
                   WHERE pn.pnpubid = p.oid) AS schemas
       FROM pg_publication p JOIN pg_roles r ON r.oid = p.pubowner WHERE p.pubname = $1`,
    [name],
  );
  return rows[0];
}

/**
 * The wanted tables, and the mirror tables that the publication has beside them. The names of our other tables begin
 * with an underscore, and no name of Dataverse does.
 */
async function readTables(
  client: pg.ClientBase,
  schema: string,
  publication: string,
  wanted: readonly string[],
): Promise<FoundTable[]> {
  const { rows } = await client.query<FoundTable & pg.QueryResultRow>(
    `SELECT t.* FROM (
       SELECT c.relname AS identifier, pg_has_role(c.relowner, 'USAGE') AS owned,
              CASE WHEN c.relreplident = 'i' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident)
                   THEN 'n' ELSE c.relreplident::text END AS identity,
              EXISTS (SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
                       WHERE p.pubname = $2 AND r.prrelid = c.oid) AS published,
              EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) AS keyed,
              c.relname NOT LIKE '\\_%' AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
                AND a.attname = $4 AND NOT a.attisdropped) AS mirror
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition) t
      WHERE t.identifier = ANY ($3) OR (t.published AND t.mirror)
      ORDER BY t.identifier`,
    [schema, publication, wanted, MIRRORED_AT],
  );
  return rows;
}

/** @throws Failure `name-taken` where the publication has more tables of the schema than it may have. */
function assertUsable(name: string, schema: string, publication: FoundPublication | undefined): void {
  const quoted = quoteIdentifier(name);
  if (publication?.all === true) {
    throw new Failure({
      code: 'name-taken',
      message: `The publication ${quoted} has all tables of the database, the daemon's own tables among them. Tables cannot be added to it or left out.`,
      remedy: `Run DROP PUBLICATION ${quoted}; and call this command again, or choose another name with --name.`,
      details: { publication: name },
    });
  }
  if (publication?.schemas.includes(schema) === true) {
    throw new Failure({
      code: 'name-taken',
      message: `The publication ${quoted} has all tables of schema ${schema}, scratch tables among them.`,
      remedy: `Run ALTER PUBLICATION ${quoted} DROP TABLES IN SCHEMA ${quoteIdentifier(schema)}; and call this command again, or choose another name with --name.`,
      details: { publication: name },
    });
  }
}

/** @throws Failure `grant-missing` if a right is missing, with the statements that give it. */
function assertGranted(name: string, statements: readonly string[]): void {
  if (statements.length === 0) return;
  throw new Failure({
    code: 'grant-missing',
    message: `The role of postgres.url may not make or change the publication ${quoteIdentifier(name)}. A role needs CREATE on the database to make one, and it has to own the publication and its tables to change one.`,
    remedy: `Run as an administrator: ${statements.join(' ')}`,
    details: { publication: name },
  });
}
