import type pg from 'pg';

/** An index of a mirror table. */
export interface FoundIndex {
  /** Unquoted. */
  readonly name: string;
  readonly comment: string | null;
  /** SQL: the constraint that the index belongs to, such as `PRIMARY KEY (id)`; null for an index alone. */
  readonly constraint: string | null;
  /** SQL: `UNIQUE` or nothing. */
  readonly unique: string;
  /** SQL: the method, the columns and what follows them. */
  readonly definition: string;
}

/** What a table has that a copy of it must have too. */
export interface TableShape {
  readonly comment: string | null;
  /** Quoted names of the columns that an INSERT may fill. */
  readonly columns: readonly string[];
  readonly indexes: readonly FoundIndex[];
  /** SQL: storage parameters and tablespace; empty for none. */
  readonly storage: string;
}

/** Reads the shape of a table with all that people have added to it. @param qualified quoted. */
export async function readShape(client: pg.ClientBase, qualified: string): Promise<TableShape> {
  const { rows } = await client.query<TableShape>(
    `SELECT obj_description(c.oid, 'pg_class') AS comment,
       ARRAY(SELECT quote_ident(a.attname) FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum) AS columns,
       (SELECT coalesce(json_agg(json_build_object('name', x.relname, 'comment', obj_description(x.oid, 'pg_class'),
                 'constraint', (SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k
                                 WHERE k.conindid = x.oid AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x')),
                 'unique', CASE WHEN i.indisunique THEN 'UNIQUE' ELSE '' END,
                 'definition', substr(d.text, strpos(d.text, d.place) + length(d.place))) ORDER BY x.relname), '[]')
          FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid,
               LATERAL (SELECT pg_get_indexdef(x.oid) AS text,
                          format('%I.%I USING ', n.nspname, c.relname) AS place) d
         WHERE i.indrelid = c.oid AND i.indisvalid) AS indexes,
       coalesce(' WITH (' || array_to_string(s.reloptions, ', ') || ')', '')
         || coalesce(' TABLESPACE ' || (SELECT quote_ident(t.spcname) FROM pg_tablespace t WHERE t.oid = s.reltablespace), '') AS storage
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       -- Storage belongs to partitions, and all of ours have the same.
       JOIN LATERAL (SELECT p.reloptions, p.reltablespace FROM pg_class p
                      WHERE p.oid = coalesce((SELECT min(h.inhrelid) FROM pg_inherits h WHERE h.inhparent = c.oid AND c.relkind = 'p'), c.oid)) s ON true
      WHERE c.oid = $1::regclass`,
    [qualified],
  );
  const [shape] = rows;
  if (shape === undefined) throw new TypeError(`There is no table ${qualified}.`);
  return shape;
}
