CREATE TABLE "settings" (
	"environment_id" integer NOT NULL,
	"table" text NOT NULL,
	"fingerprint" text NOT NULL,
	"settings" text NOT NULL,
	"holder" text NOT NULL,
	"seen_at" timestamp with time zone NOT NULL,
	"returned_at" timestamp with time zone,
	CONSTRAINT "settings_pkey" PRIMARY KEY("environment_id","table","fingerprint")
);
--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "marked_rows" bigint;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "erasure_allowed" boolean DEFAULT false NOT NULL;