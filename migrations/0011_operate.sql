CREATE TABLE "commands" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "commands_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"environment_id" integer NOT NULL,
	"table" text NOT NULL,
	"command" text NOT NULL,
	"until" timestamp with time zone,
	"reason" text,
	"asked_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"asked_by" text DEFAULT session_user NOT NULL,
	"asked_via" text DEFAULT 'sql' NOT NULL
);
--> statement-breakpoint
CREATE TABLE "requests" (
	"environment_id" integer NOT NULL,
	"identity" text NOT NULL,
	"minute" timestamp with time zone NOT NULL,
	"requests" bigint NOT NULL,
	CONSTRAINT "requests_pkey" PRIMARY KEY("environment_id","identity","minute")
);
--> statement-breakpoint
ALTER TABLE "environments" RENAME COLUMN "paused_until" TO "throttled_until";--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "paused_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "paused_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "paused_reason" text;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "resync_asked_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "rows_loaded" bigint;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "rows_expected" bigint;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "load_begun_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "load_begun_rows" bigint;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "load_stored_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "commands_table_asked" ON "commands" USING btree ("environment_id","table","asked_at");