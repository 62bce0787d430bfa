ALTER TABLE "tables" ADD COLUMN "load" uuid;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "load_pages" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "mirror_oid" bigint;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "mirror_file" bigint;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "marks_oid" bigint;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "has_rows" boolean;