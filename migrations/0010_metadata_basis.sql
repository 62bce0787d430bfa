ALTER TABLE "definitions" ADD COLUMN "basis" text;--> statement-breakpoint
ALTER TABLE "environments" ADD COLUMN "metadata_basis" text;--> statement-breakpoint
ALTER TABLE "environments" ADD COLUMN "metadata_reader" text;--> statement-breakpoint
ALTER TABLE "environments" ADD COLUMN "metadata_tables" text;