import type { TestDatabase } from './database.ts';
import { VERSION_JOURNAL } from './version-journal.ts';

/**
 * Watches every mirror table from the moment it is made, by triggers: each version that a row ever had,
 * and each statement after which a table that had rows has none. The triggers have their owner's rights,
 * whatever those of the daemon's role.
 *
 * Emptiness is looked at after each statement that deletes, so a table emptied and filled again within
 * one transaction would count, too; nothing has a reason to do that.
 *
 * @param keyOf SQL for a table's key column, of its name `relname`.
 */
export async function watchMirror(
  database: Pick<TestDatabase, 'query'>,
  keyOf = `relname || 'id'`,
): Promise<void> {
  await database.query(`
    ${VERSION_JOURNAL}
    CREATE TABLE journal.emptied (n bigint GENERATED ALWAYS AS IDENTITY, "table" text, how text);

    CREATE FUNCTION journal.note_emptied() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE is_empty boolean;
    BEGIN
      EXECUTE format(
        'SELECT NOT EXISTS (SELECT FROM %s t WHERE to_jsonb(t) ->> ''_deleted_at'' IS NULL)', TG_RELID::regclass
      ) INTO is_empty;
      IF is_empty AND EXISTS (SELECT FROM gone) THEN
        INSERT INTO journal.emptied ("table", how) VALUES (TG_TABLE_NAME, TG_OP);
      END IF;
      RETURN NULL;
    END $$;

    CREATE FUNCTION journal.note_truncated() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
      INSERT INTO journal.emptied ("table", how) VALUES (TG_TABLE_NAME, TG_OP);
      RETURN NULL;
    END $$;

    CREATE FUNCTION journal.watch() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE made record;
    BEGIN
      FOR made IN
        SELECT c.oid::regclass AS name, ${keyOf} AS key
          FROM pg_event_trigger_ddl_commands() d JOIN pg_class c ON c.oid = d.objid
         WHERE d.classid = 'pg_class'::regclass AND c.relkind IN ('r', 'p') AND d.schema_name = 'dataverse'
           AND left(c.relname, 1) <> '_'
      LOOP
        EXECUTE format('CREATE TRIGGER journal_versions AFTER INSERT OR UPDATE OR DELETE ON %s
          FOR EACH ROW EXECUTE FUNCTION journal.note(%L)', made.name, made.key);
        EXECUTE format('CREATE TRIGGER journal_deleted AFTER DELETE ON %s
          REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION journal.note_emptied()', made.name);
        EXECUTE format('CREATE TRIGGER journal_updated AFTER UPDATE ON %s
          REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION journal.note_emptied()', made.name);
        EXECUTE format('CREATE TRIGGER journal_truncated AFTER TRUNCATE ON %s
          FOR EACH STATEMENT EXECUTE FUNCTION journal.note_truncated()', made.name);
      END LOOP;
    END $$;

    CREATE EVENT TRIGGER journal_watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
      EXECUTE FUNCTION journal.watch();
  `);
}

/** Tables that had rows and were left with none, by the statement that did it. */
export async function emptiedTables(
  database: Pick<TestDatabase, 'query'>,
): Promise<{ table: string; how: string }[]> {
  return database.query(`SELECT DISTINCT "table", how FROM journal.emptied`);
}

/** How many rows have been written or deleted since the journal was begun. */
export async function journalLength(database: Pick<TestDatabase, 'query'>): Promise<number> {
  const [row] = await database.query<{ n: number }>(`SELECT count(*)::int AS n FROM journal.versions`);
  return row?.n ?? 0;
}

/** Forgets what was written down. */
export async function clearJournal(database: Pick<TestDatabase, 'query'>): Promise<void> {
  await database.query(`TRUNCATE journal.versions, journal.emptied`);
}
