CREATE TABLE "nudges" (
	"environment_id" integer NOT NULL,
	"table" text NOT NULL,
	"free_at" timestamp with time zone,
	"nudged_at" timestamp with time zone,
	CONSTRAINT "nudges_pkey" PRIMARY KEY("environment_id","table")
);
