ALTER TABLE "tables" ADD COLUMN "verify_asked_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "verifications" ADD COLUMN "holder" text;--> statement-breakpoint
ALTER TABLE "verifications" ADD COLUMN "stored_at" timestamp with time zone;