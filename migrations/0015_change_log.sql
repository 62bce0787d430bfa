-- The change log. Functions and triggers write it: src/mirror/feed. The key is the order in which consumers read.
CREATE TABLE "changes" (
  "position" bigint GENERATED ALWAYS AS IDENTITY,
  "xact" xid8 NOT NULL DEFAULT pg_current_xact_id(),
  "table_name" text NOT NULL,
  "key" uuid,
  "partition" text,
  "operation" text NOT NULL,
  "source_version" bigint,
  "changed_at" timestamp with time zone NOT NULL DEFAULT now(),
  "columns" text[],
  "before" jsonb,
  "after" jsonb,
  "environment_id" integer NOT NULL,
  CONSTRAINT "changes_pkey" PRIMARY KEY ("xact", "position", "changed_at")
) PARTITION BY RANGE ("changed_at");--> statement-breakpoint
-- Takes the rows of a day that has no partition of its own, so that no page ever fails because of that.
CREATE TABLE "changes_default" PARTITION OF "changes" DEFAULT WITH (toast_tuple_target = 8160);--> statement-breakpoint
CREATE TABLE "consumers" (
  "consumer" text PRIMARY KEY,
  "xact" xid8 NOT NULL,
  "position" bigint NOT NULL,
  "begun_at" timestamp with time zone NOT NULL DEFAULT now(),
  "acked_at" timestamp with time zone
);--> statement-breakpoint
-- The last change of each environment that is no longer in the log.
CREATE TABLE "dropped_changes" (
  "environment_id" integer PRIMARY KEY,
  "xact" xid8 NOT NULL,
  "position" bigint NOT NULL
);--> statement-breakpoint
-- Called before a mirror table is truncated: its rows are gone, and no link brings them again. The next
-- run loads the table anew, and the one under way, which knows nothing of this, may commit no more. A table with
-- a change log gets a marker there.
CREATE OR REPLACE FUNCTION "forget_truncated"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format(
    'UPDATE %I.tables SET selection = NULL, fence = fence + 1, lease_holder = NULL, lease_expires_at = NULL
      WHERE environment_id = $1 AND "table" = $2', TG_ARGV[0])
    USING TG_ARGV[1]::integer, TG_ARGV[2];
  IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = TG_RELID AND tgname = 'mirrorverse_changes_insert') THEN
    EXECUTE format('INSERT INTO %I.changes (environment_id, table_name, operation) VALUES ($1, $2, ''b'')', TG_ARGV[0])
      USING TG_ARGV[1]::integer, TG_ARGV[2];
    PERFORM pg_notify('mirrorverse_changes', TG_ARGV[2]);
  END IF;
  RETURN NULL;
END
$$;
