ALTER TABLE "environments" ADD COLUMN "language" integer;--> statement-breakpoint
ALTER TABLE "environments" ADD COLUMN "view_wishes" text;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "pending" text;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "labels_version" text;