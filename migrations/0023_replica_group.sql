ALTER TABLE "shares" ADD COLUMN "replica_group" text;--> statement-breakpoint
-- It has a further parameter and a further column now, so it is made anew.
DROP FUNCTION IF EXISTS "renew_share"(text, text, double precision, integer[], integer[], integer[], integer[], integer, integer, integer, double precision, integer);
