CREATE TABLE "files" (
	"environment_id" integer NOT NULL,
	"table" text NOT NULL,
	"key" uuid NOT NULL,
	"column" text NOT NULL,
	"file_id" text NOT NULL,
	"file_name" text,
	"mime_type" text,
	"sha256" text,
	"bytes" bigint,
	"location" text,
	"found_at" timestamp with time zone DEFAULT now() NOT NULL,
	"fetched_at" timestamp with time zone,
	"deleted_at" timestamp with time zone,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp with time zone,
	"error_code" text,
	"error_message" text,
	CONSTRAINT "files_pkey" PRIMARY KEY("environment_id","table","key","column","file_id")
);
--> statement-breakpoint
CREATE TABLE "unused_bodies" (
	"environment_id" integer NOT NULL,
	"location" text NOT NULL,
	"sha256" text NOT NULL,
	"since" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "unused_bodies_pkey" PRIMARY KEY("environment_id","location")
);
--> statement-breakpoint
CREATE INDEX "files_waiting" ON "files" USING btree ("environment_id","next_attempt_at") WHERE sha256 IS NULL;--> statement-breakpoint
CREATE INDEX "files_location" ON "files" USING btree ("location");