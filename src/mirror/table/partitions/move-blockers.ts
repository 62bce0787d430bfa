import type pg from 'pg';
import { Failure } from '../../../model/failure.ts';
import type { MirrorTable } from '../mirror-table.ts';

/**
 * Finds what a move of a mirror table could not keep, each in words. Views of our role, privileges, triggers, policies
 * and indexes are kept, so they are not among them.
 *
 * @param toPartitions the table gets partitions.
 */
export async function findMoveBlockers(
  client: pg.ClientBase,
  mirror: MirrorTable,
  toPartitions: boolean,
): Promise<readonly string[]> {
  const { rows } = await client.query<{ blocker: string }>(
    `SELECT blocker FROM (
       ${DEPENDENTS}
       UNION
       SELECT 'rule ' || quote_ident(rulename) FROM pg_rewrite WHERE ev_class = $1::regclass
       UNION
       SELECT 'the inheritance from ' || inhparent::regclass FROM pg_inherits WHERE inhrelid = $1::regclass
       UNION
       SELECT 'the replica identity by an index' FROM pg_class WHERE oid = $1::regclass AND relreplident = 'i'
       UNION
       SELECT 'publication ' || quote_ident(p.pubname) || CASE WHEN pg_has_role(p.pubowner, 'USAGE')
                THEN ', which publishes partitions as tables (publish_via_partition_root)' ELSE ', which is of another role' END
         FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
        WHERE r.prrelid = $1::regclass AND ($2 AND NOT p.pubviaroot OR NOT pg_has_role(p.pubowner, 'USAGE'))
       UNION
       SELECT 'the unique index ' || quote_ident(x.relname) || ', which lacks the key'
         FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
        WHERE $2 AND i.indrelid = $1::regclass AND (i.indisunique OR i.indisexclusion)
          AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attname = $3
                             AND a.attnum = ANY ((i.indkey::int2[])[0 : i.indnkeyatts - 1]))
       UNION
       SELECT 'trigger ' || quote_ident(tgname) || ', which sees the changed rows of each row' FROM pg_trigger
        WHERE $2 AND tgrelid = $1::regclass AND tgtype & 1 = 1 AND coalesce(tgoldtable, tgnewtable) IS NOT NULL
     ) AS found (blocker) ORDER BY blocker`,
    [mirror.qualified, toPartitions, mirror.columns[mirror.keyField]?.identifier],
  );
  return rows.map(({ blocker }) => blocker);
}

/**
 * SQL: what knows the table or its row type by its number, and cannot be pointed at another table: materialized views,
 * functions with a parsed body or with a row of the table, foreign keys, policies of other tables, and views of others.
 */
const DEPENDENTS = `SELECT CASE WHEN v.oid IS NULL THEN pg_describe_object(d.classid, d.objid, d.objsubid)
              ELSE CASE v.relkind WHEN 'm' THEN 'materialized view ' WHEN 'v' THEN 'view ' ELSE 'relation ' END || v.oid::regclass
                   || CASE WHEN v.relkind = 'v' THEN ', which is of another role' ELSE '' END END
         FROM pg_class c
         JOIN pg_type y ON y.oid = c.reltype
         JOIN pg_depend d ON d.deptype = 'n'
          AND (d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
               OR d.refclassid = 'pg_type'::regclass AND d.refobjid IN (y.oid, y.typarray))
         LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
         LEFT JOIN pg_class v ON v.oid = r.ev_class
        WHERE c.oid = $1::regclass AND v.oid IS DISTINCT FROM c.oid
          AND NOT (v.relkind IS NOT DISTINCT FROM 'v' AND pg_has_role(v.relowner, 'USAGE'))
          AND NOT EXISTS (SELECT FROM pg_constraint o WHERE d.classid = 'pg_constraint'::regclass AND o.oid = d.objid AND o.conrelid = c.oid)
          AND NOT EXISTS (SELECT FROM pg_policy o WHERE d.classid = 'pg_policy'::regclass AND o.oid = d.objid AND o.polrelid = c.oid)
          AND NOT EXISTS (SELECT FROM pg_trigger o WHERE d.classid = 'pg_trigger'::regclass AND o.oid = d.objid AND o.tgrelid = c.oid)
          AND NOT EXISTS (SELECT FROM pg_attrdef o WHERE d.classid = 'pg_attrdef'::regclass AND o.oid = d.objid AND o.adrelid = c.oid)
          AND d.classid NOT IN ('pg_publication_rel'::regclass, 'pg_statistic_ext'::regclass)`;

/** The failure of a move that cannot be made now. The table goes on as it is. */
export function moveBlocked({ table, qualified }: MirrorTable, blockers: readonly string[]): Failure {
  return new Failure({
    code: 'partition-blocked',
    message: `The mirror table ${qualified} cannot be moved to its partitions, because the move would lose this: ${blockers.join('; ')}.`,
    remedy: `Drop it, and make it again once \`mirrorverse plan ${table.logicalName}\` tells of no move any more. Until then the table goes on as it is.`,
    details: { table: table.logicalName, blockers },
  });
}

/** The failure of a move that found no moment without readers. */
export function readersInTheWay({ table, qualified }: MirrorTable): Failure {
  return new Failure({
    code: 'partition-blocked',
    message: `The mirror table ${qualified} was not moved to its partitions, because transactions that began before the move are still open.`,
    remedy:
      'Nothing to do if they end: the move is made later. Otherwise end them, such as a dump or a session that is idle in a transaction.',
    details: { table: table.logicalName },
  });
}
