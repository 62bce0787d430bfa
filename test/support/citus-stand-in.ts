import type { TestDatabase } from './database.ts';

/**
 * Functions in place of those of Citus. They write down their calls, and refuse what Citus is documented to refuse: a
 * distributed table has no trigger, neither before nor after. Rows stay in one place, so nothing is said of shards.
 */
export async function citusStandIn(database: TestDatabase): Promise<void> {
  await database.query(`
    CREATE SCHEMA citus_stand_in;
    CREATE TABLE citus_stand_in.calls (n bigint GENERATED ALWAYS AS IDENTITY, relation regclass, name text, key text);
    CREATE FUNCTION public.create_distributed_table(relation regclass, distribution_column text) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = relation AND NOT tgisinternal) THEN RAISE 'triggers are not supported on distributed tables'; END IF;
      IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = relation AND attname = distribution_column) THEN RAISE 'column % does not exist', distribution_column; END IF;
      INSERT INTO citus_stand_in.calls (relation, name, key) VALUES (relation, relation::text, distribution_column);
    END $$;
    CREATE FUNCTION public.create_reference_table(relation regclass) RETURNS void LANGUAGE sql AS
      $$ INSERT INTO citus_stand_in.calls (relation, name) VALUES (relation, relation::text) $$;
    CREATE FUNCTION citus_stand_in.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() d JOIN pg_trigger t ON t.oid = d.objid
                   JOIN citus_stand_in.calls c ON c.relation = t.tgrelid WHERE c.key IS NOT NULL) THEN
        RAISE 'triggers are not supported on distributed tables';
      END IF;
    END $$;
    CREATE EVENT TRIGGER no_triggers ON ddl_command_end WHEN TAG IN ('CREATE TRIGGER') EXECUTE FUNCTION citus_stand_in.refuse()`);
}
