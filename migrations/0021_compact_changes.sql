-- The change log keeps the values of a row as a list of texts, because PostgreSQL makes JSON of a row in four times the
-- time. The view "changes" makes JSON of them when somebody reads. Rows of one layout have the same columns.
CREATE TABLE "row_layouts" (
  "id" integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  "digest" bytea NOT NULL,
  "names" text[] NOT NULL,
  "kinds" text[] NOT NULL
);--> statement-breakpoint
CREATE INDEX ON "row_layouts" ("digest");--> statement-breakpoint
-- The key is the order in which consumers read.
CREATE TABLE "logged_changes" (
  "position" bigint GENERATED ALWAYS AS IDENTITY,
  "xact" xid8 NOT NULL DEFAULT pg_current_xact_id(),
  "changed_at" timestamp with time zone NOT NULL DEFAULT now(),
  "source_version" bigint,
  "environment_id" integer NOT NULL,
  "layout" integer,
  "key" uuid,
  "table_name" text NOT NULL,
  "operation" text NOT NULL,
  "partition" text,
  "old_values" text[],
  "new_values" text[],
  CONSTRAINT "logged_changes_pkey" PRIMARY KEY ("xact", "position", "changed_at")
) PARTITION BY RANGE ("changed_at");--> statement-breakpoint
-- Takes the rows of a day that has no partition of its own, so that no page ever fails because of that.
CREATE TABLE "logged_changes_default" PARTITION OF "logged_changes" DEFAULT WITH (toast_tuple_target = 8160);--> statement-breakpoint
-- Changes in the form of before are not taken over. A marker stands for them: consumers take the tables as they are now.
INSERT INTO "logged_changes" ("environment_id", "table_name", "operation")
SELECT DISTINCT "environment_id", "table_name", 'b' FROM "changes";--> statement-breakpoint
DROP FUNCTION IF EXISTS "read_changes"(text, integer, text);--> statement-breakpoint
DROP TABLE "changes";--> statement-breakpoint
-- A row as to_jsonb() makes it. The kind of a column says what its text is.
CREATE FUNCTION "row_as_json"(names text[], kinds text[], "values" text[]) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
  SELECT coalesce(jsonb_object_agg(r.name, CASE r.kind
           WHEN 'text' THEN to_jsonb(r.value)
           WHEN 'number' THEN CASE WHEN r.value ~ '^-?[0-9]' THEN r.value::jsonb ELSE to_jsonb(r.value) END
           WHEN 'timestamptz' THEN to_jsonb(r.value::timestamptz)
           WHEN 'timestamp' THEN to_jsonb(r.value::timestamp)
           WHEN 'integers' THEN to_jsonb(r.value::integer[])
           ELSE r.value::jsonb END), '{}')
    FROM unnest(names, kinds, "values") AS r (name, kind, value)
$$;--> statement-breakpoint
CREATE FUNCTION "changed_columns"(names text[], old_values text[], new_values text[]) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(r.name ORDER BY r.at)
    FROM unnest(names, old_values, new_values) WITH ORDINALITY AS r (name, old_value, new_value, at)
   WHERE r.old_value COLLATE "C" IS DISTINCT FROM r.new_value COLLATE "C"
$$;--> statement-breakpoint
CREATE VIEW "changes" AS
SELECT c."position", c."xact", c."table_name", c."key", c."partition", c."operation", c."source_version", c."changed_at",
       CASE c."operation" WHEN 'u' THEN (SELECT "changed_columns"(l."names", c."old_values", c."new_values") FROM "row_layouts" l WHERE l."id" = c."layout") END AS "columns",
       CASE WHEN c."old_values" IS NOT NULL THEN (SELECT "row_as_json"(l."names", l."kinds", c."old_values") FROM "row_layouts" l WHERE l."id" = c."layout") END AS "before",
       CASE WHEN c."new_values" IS NOT NULL THEN (SELECT "row_as_json"(l."names", l."kinds", c."new_values") FROM "row_layouts" l WHERE l."id" = c."layout") END AS "after",
       c."environment_id"
  FROM "logged_changes" c;
