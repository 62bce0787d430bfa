CREATE TABLE "columns" (
	"environment_id" integer NOT NULL,
	"table" text NOT NULL,
	"column" text NOT NULL,
	"identifier" text NOT NULL,
	"attribute" text NOT NULL,
	"property" text NOT NULL,
	"type" text NOT NULL,
	"added_at" timestamp with time zone DEFAULT now() NOT NULL,
	"removed_at" timestamp with time zone,
	CONSTRAINT "columns_pkey" PRIMARY KEY("environment_id","table","column")
);
--> statement-breakpoint
CREATE TABLE "environments" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "environments_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"organization_id" uuid NOT NULL,
	"url" text NOT NULL,
	"mirror_schema" text NOT NULL,
	"link_life_days" integer,
	"first_seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "environments_mirror_schema" UNIQUE("mirror_schema")
);
--> statement-breakpoint
CREATE TABLE "quarantine" (
	"environment_id" integer NOT NULL,
	"table" text NOT NULL,
	"key" text NOT NULL,
	"version" bigint,
	"reason" text NOT NULL,
	"sqlstate" text,
	"time" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "quarantine_pkey" PRIMARY KEY("environment_id","table","key")
);
--> statement-breakpoint
CREATE TABLE "runs" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "runs_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"environment_id" integer NOT NULL,
	"table" text NOT NULL,
	"phase" text NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"finished_at" timestamp with time zone NOT NULL,
	"pages" integer NOT NULL,
	"rows_read" bigint NOT NULL,
	"rows_written" bigint NOT NULL,
	"rows_deleted" bigint NOT NULL,
	"rows_quarantined" bigint NOT NULL,
	"error_code" text
);
--> statement-breakpoint
CREATE TABLE "tables" (
	"environment_id" integer NOT NULL,
	"table" text NOT NULL,
	"phase" text DEFAULT 'new' NOT NULL,
	"catching_up" boolean DEFAULT false NOT NULL,
	"link" text,
	"link_kind" text,
	"link_issued_at" timestamp with time zone,
	"selection" text,
	"lease_holder" text,
	"lease_expires_at" timestamp with time zone,
	"fence" bigint DEFAULT 0 NOT NULL,
	"last_attempt_at" timestamp with time zone,
	"last_success_at" timestamp with time zone,
	"failures" integer DEFAULT 0 NOT NULL,
	"error_code" text,
	"error_message" text,
	"error_remedy" text,
	"error_reaction" text,
	"error_at" timestamp with time zone,
	CONSTRAINT "tables_pkey" PRIMARY KEY("environment_id","table")
);
--> statement-breakpoint
CREATE INDEX "runs_table_finished" ON "runs" USING btree ("environment_id","table","finished_at");