import type { TestDatabase } from './database.ts';

type Queryable = Pick<TestDatabase, 'query'>;

/**
 * Writes down, by triggers, who takes each table's lease, who stores an idle run without one, who moves
 * its checkpoint, and who writes its mirror table, in which transaction. Who is told by the session's
 * application name, which each process must have for itself: nothing of what the code under test says of
 * itself is believed. The triggers have their owner's rights, whatever those of the daemon's role.
 *
 * The state schema must be there already; mirror tables are watched from the moment they are made.
 */
export async function watchLeases(database: Queryable): Promise<void> {
  await database.query(`
    CREATE SCHEMA lease_journal;
    CREATE TABLE lease_journal.events (
      n bigint GENERATED ALWAYS AS IDENTITY, what text, "table" text, process text, fence bigint,
      fence_before bigint, robbed boolean, xact xid8 DEFAULT pg_current_xact_id());

    CREATE FUNCTION lease_journal.note_state() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE
      process text := current_setting('application_name');
      -- A run without a lease raises the fence and succeeds in one.
      is_idle boolean := NEW.last_success_at IS DISTINCT FROM OLD.last_success_at;
    BEGIN
      IF NEW.fence <> OLD.fence THEN
        INSERT INTO lease_journal.events (what, "table", process, fence, fence_before, robbed)
        VALUES (CASE WHEN is_idle THEN 'idle' ELSE 'taken' END, NEW."table", process, NEW.fence, OLD.fence,
          (is_idle OR OLD.lease_holder <> NEW.lease_holder) AND OLD.lease_expires_at > clock_timestamp());
      ELSIF (NEW.link, NEW.phase, NEW.lease_expires_at) IS DISTINCT FROM (OLD.link, OLD.phase, OLD.lease_expires_at) THEN
        INSERT INTO lease_journal.events (what, "table", process, fence)
        VALUES (CASE WHEN NEW.link IS DISTINCT FROM OLD.link THEN 'link' ELSE 'kept' END,
          NEW."table", process, NEW.fence);
      END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER lease_journal AFTER UPDATE ON mirrorverse.tables
      FOR EACH ROW EXECUTE FUNCTION lease_journal.note_state();

    CREATE FUNCTION lease_journal.note_write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
      INSERT INTO lease_journal.events (what, "table", process)
      VALUES ('written', TG_TABLE_NAME, current_setting('application_name'));
      RETURN NULL;
    END $$;
    CREATE FUNCTION lease_journal.watch() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE made oid;
    BEGIN
      FOR made IN
        SELECT c.oid FROM pg_event_trigger_ddl_commands() d JOIN pg_class c ON c.oid = d.objid
         WHERE d.classid = 'pg_class'::regclass AND c.relkind = 'r' AND d.schema_name = 'dataverse'
           AND left(c.relname, 1) <> '_'
      LOOP
        EXECUTE format('CREATE TRIGGER lease_journal AFTER INSERT OR UPDATE OR DELETE ON %s
          FOR EACH STATEMENT EXECUTE FUNCTION lease_journal.note_write()', made::regclass);
      END LOOP;
    END $$;
    CREATE EVENT TRIGGER lease_journal_watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
      EXECUTE FUNCTION lease_journal.watch();
  `);
}

/** How much was written down, by what it is. */
export async function leaseEvents(database: Queryable): Promise<Record<string, number>> {
  const rows = await database.query<{ what: string; count: number }>(
    `SELECT what, count(*)::int AS count FROM lease_journal.events GROUP BY what`,
  );
  return Object.fromEntries(rows.map(({ what, count }) => [what, count]));
}

/**
 * What nobody may do, as text for a person: a link that another process moved than the one that took
 * the lease last, an idle run of another process than the one that ran the table last, rows written in a
 * transaction without a checkpoint of their table, a fence that does not rise one by one, a lease taken
 * from a holder whose time was not up.
 */
export async function trespasses(database: Queryable): Promise<string[]> {
  const rows = await database.query<{ text: string }>(`
    WITH events AS (
      SELECT *, max(n) FILTER (WHERE what = 'taken') OVER (PARTITION BY "table" ORDER BY n) AS taking
        FROM lease_journal.events)
    SELECT format('%s of %s by %s, whose lease was that of %s', e.what, e."table", e.process, t.process) AS text
      FROM events e LEFT JOIN events t ON t.n = e.taking
     WHERE e.what IN ('link', 'written')
       AND (t.process IS DISTINCT FROM e.process OR (e.what = 'link' AND t.fence <> e.fence))
    UNION ALL
    SELECT format('%s written by %s without a checkpoint', w."table", w.process)
      FROM events w
     WHERE w.what = 'written' AND NOT EXISTS (
       SELECT FROM events c WHERE c.xact = w.xact AND c."table" = w."table" AND c.what IN ('link', 'kept'))
    UNION ALL
    SELECT format('%s: fence %s after %s', "table", fence, fence_before) FROM events
     WHERE what IN ('taken', 'idle') AND fence <> fence_before + 1
    UNION ALL
    SELECT format('idle run of %s by %s after one by %s', "table", process, before) FROM (
      SELECT *, lag(process) OVER (PARTITION BY "table" ORDER BY n) AS before
        FROM lease_journal.events WHERE what IN ('taken', 'idle')) runs
     WHERE what = 'idle' AND before <> process
    UNION ALL
    SELECT format('%s was taken by %s before its time', "table", process) FROM events WHERE robbed`);
  return rows.map(({ text }) => text);
}
