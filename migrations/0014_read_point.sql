ALTER TABLE "tables" ADD COLUMN "own_counter" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "left_at" timestamp with time zone;--> statement-breakpoint
-- Only elastic tables have a partition. Their definitions are known from their last preparation.
UPDATE "tables" SET "own_counter" = true FROM "definitions" d WHERE d."environment_id" = "tables"."environment_id" AND d."table" = "tables"."table" AND position('"partition":"' IN d."definition") > 0;
