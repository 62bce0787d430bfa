ALTER TABLE "tables" ADD COLUMN "mirror_parts" text;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "filled_parts" integer;