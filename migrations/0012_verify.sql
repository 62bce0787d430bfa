CREATE TABLE "differences" (
	"environment_id" integer NOT NULL,
	"table" text NOT NULL,
	"key" text NOT NULL,
	"kind" text NOT NULL,
	"columns" text[] DEFAULT '{}' NOT NULL,
	"found_at" timestamp with time zone NOT NULL,
	"confirmed_at" timestamp with time zone NOT NULL,
	"repaired_at" timestamp with time zone,
	CONSTRAINT "differences_pkey" PRIMARY KEY("environment_id","table","key")
);
--> statement-breakpoint
CREATE TABLE "verifications" (
	"environment_id" integer NOT NULL,
	"table" text NOT NULL,
	"method" text NOT NULL,
	"basis" text NOT NULL,
	"stage" text NOT NULL,
	"link" text,
	"link_page_size" integer,
	"above" bigint,
	"up_to" bigint,
	"begun_version" bigint,
	"started_at" timestamp with time zone NOT NULL,
	"rows" bigint DEFAULT 0 NOT NULL,
	"requests" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "verifications_pkey" PRIMARY KEY("environment_id","table")
);
--> statement-breakpoint
CREATE TABLE "verified" (
	"environment_id" integer NOT NULL,
	"table" text NOT NULL,
	"method" text NOT NULL,
	"through_version" bigint,
	"at" timestamp with time zone NOT NULL,
	"rows" bigint NOT NULL,
	"differences" bigint NOT NULL,
	"requests" integer NOT NULL,
	CONSTRAINT "verified_pkey" PRIMARY KEY("environment_id","table","method")
);
