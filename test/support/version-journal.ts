import type { TestDatabase } from './database.ts';

/** SQL that makes the journal, and a function for triggers that are given the name of a table's key. */
export const VERSION_JOURNAL = `
  CREATE SCHEMA IF NOT EXISTS journal;
  CREATE TABLE IF NOT EXISTS journal.versions (
    n bigint GENERATED ALWAYS AS IDENTITY, "table" text, key uuid NOT NULL, version bigint);
  CREATE OR REPLACE FUNCTION journal.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
  DECLARE before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
          after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
  BEGIN
    INSERT INTO journal.versions ("table", key, version) VALUES (
      TG_TABLE_NAME, (coalesce(after, before) ->> TG_ARGV[0])::uuid, (after ->> 'versionnumber')::bigint);
    RETURN NULL;
  END $$;
`;

/**
 * Writes down every version a row of a mirror table ever had, by a trigger with its owner's rights, and
 * tells which went back.
 * A row that was deleted may come back with any version: the journal notes the deletion too.
 */
export async function watchVersions(
  database: Pick<TestDatabase, 'query'>,
  table: string,
  key: string,
): Promise<void> {
  await database.query(VERSION_JOURNAL);
  await database.query(
    `CREATE OR REPLACE TRIGGER journal AFTER INSERT OR UPDATE OR DELETE ON dataverse."${table}"
       FOR EACH ROW EXECUTE FUNCTION journal.note('${key}')`,
  );
}

/** Rows whose version went down without a deletion in between. */
export async function versionsThatWentDown(
  database: Pick<TestDatabase, 'query'>,
): Promise<{ readonly key: string; readonly before: string }[]> {
  return database.query(
    `SELECT * FROM (
       SELECT "table", key, version, lag(version) OVER (PARTITION BY "table", key ORDER BY n) AS before
         FROM journal.versions) v
      WHERE version < before`,
  );
}
