-- Called before a mirror table is truncated: its rows are gone, and no link brings them again. The next
-- run loads the table anew, and the one under way, which knows nothing of this, may commit no more.
CREATE FUNCTION "forget_truncated"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format(
    'UPDATE %I.tables SET selection = NULL, fence = fence + 1, lease_holder = NULL, lease_expires_at = NULL
      WHERE environment_id = $1 AND "table" = $2', TG_ARGV[0])
    USING TG_ARGV[1]::integer, TG_ARGV[2];
  RETURN NULL;
END
$$;--> statement-breakpoint
REVOKE ALL ON FUNCTION "forget_truncated"() FROM PUBLIC;
