CREATE TABLE "dead_letters" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "dead_letters_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"environment_id" integer NOT NULL,
	"endpoint" text NOT NULL,
	"webhook_id" text NOT NULL,
	"changes" jsonb NOT NULL,
	"reason" text NOT NULL,
	"attempts" integer NOT NULL,
	"begun_at" timestamp with time zone NOT NULL,
	"failed_at" timestamp with time zone NOT NULL,
	"retry_asked_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "webhooks" (
	"environment_id" integer NOT NULL,
	"endpoint" text NOT NULL,
	"holder" text,
	"lease_expires_at" timestamp with time zone,
	"reload" boolean DEFAULT true NOT NULL,
	"batch_id" text,
	"batch_through" bigint,
	"batch_begun_at" timestamp with time zone,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp with time zone,
	"reason" text,
	"last_success_at" timestamp with time zone,
	"stopped_at" timestamp with time zone,
	CONSTRAINT "webhooks_pkey" PRIMARY KEY("environment_id","endpoint")
);
--> statement-breakpoint
CREATE INDEX "dead_letters_endpoint" ON "dead_letters" USING btree ("environment_id","endpoint");