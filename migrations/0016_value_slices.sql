CREATE TABLE "value_rounds" (
	"environment_id" integer NOT NULL,
	"table" text NOT NULL,
	"basis" text NOT NULL,
	"begun_at" timestamp with time zone NOT NULL,
	"sliced_at" timestamp with time zone,
	"through_version" bigint,
	"rows" bigint DEFAULT 0 NOT NULL,
	"requests" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "value_rounds_pkey" PRIMARY KEY("environment_id","table")
);
--> statement-breakpoint
ALTER TABLE "verifications" ADD COLUMN "sliced" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "verifications" ADD COLUMN "slice_above" bigint;--> statement-breakpoint
ALTER TABLE "verifications" ADD COLUMN "slice_up_to" bigint;--> statement-breakpoint
ALTER TABLE "verifications" ADD COLUMN "slice_rows" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "verifications" ADD COLUMN "slice_requests" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "verified" ADD COLUMN "since" timestamp with time zone;