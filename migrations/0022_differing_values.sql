-- An update keeps only those old values that differ, and null for each that is the same in the new row. So ~ stands for
-- null, and a text that begins with ~ has another ~ before it. Most updates change few of many columns.
CREATE FUNCTION "old_row"(old_values text[], new_values text[]) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(CASE WHEN r.old_value IS NULL THEN r.new_value
                        WHEN r.old_value = '~' THEN NULL
                        WHEN r.old_value ^@ '~' THEN substr(r.old_value, 2)
                        ELSE r.old_value END ORDER BY r.at)
    FROM unnest(old_values, new_values) WITH ORDINALITY AS r (old_value, new_value, at)
$$;--> statement-breakpoint
CREATE FUNCTION "differing_columns"(names text[], old_values text[]) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(r.name ORDER BY r.at)
    FROM unnest(names, old_values) WITH ORDINALITY AS r (name, old_value, at) WHERE r.old_value IS NOT NULL
$$;--> statement-breakpoint
UPDATE "logged_changes" c SET "old_values" =
       (SELECT array_agg(CASE WHEN r.old_value COLLATE "C" IS DISTINCT FROM r.new_value COLLATE "C" THEN CASE WHEN r.old_value ^@ '~' THEN '~' || r.old_value ELSE coalesce(r.old_value, '~') END END ORDER BY r.at)
          FROM unnest(c."old_values", c."new_values") WITH ORDINALITY AS r (old_value, new_value, at))
 WHERE c."operation" = 'u';--> statement-breakpoint
CREATE OR REPLACE VIEW "changes" AS
SELECT c."position", c."xact", c."table_name", c."key", c."partition", c."operation", c."source_version", c."changed_at",
       CASE c."operation" WHEN 'u' THEN (SELECT "differing_columns"(l."names", c."old_values") FROM "row_layouts" l WHERE l."id" = c."layout") END AS "columns",
       CASE WHEN c."old_values" IS NOT NULL THEN (SELECT "row_as_json"(l."names", l."kinds",
              CASE c."operation" WHEN 'u' THEN "old_row"(c."old_values", c."new_values") ELSE c."old_values" END) FROM "row_layouts" l WHERE l."id" = c."layout") END AS "before",
       CASE WHEN c."new_values" IS NOT NULL THEN (SELECT "row_as_json"(l."names", l."kinds", c."new_values") FROM "row_layouts" l WHERE l."id" = c."layout") END AS "after",
       c."environment_id"
  FROM "logged_changes" c;--> statement-breakpoint
DROP FUNCTION "changed_columns"(text[], text[], text[]);
