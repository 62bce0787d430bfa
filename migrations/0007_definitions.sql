CREATE TABLE "definitions" (
	"environment_id" integer NOT NULL,
	"table" text NOT NULL,
	"definition" text NOT NULL,
	"unread_since" timestamp with time zone,
	"unread_code" text,
	CONSTRAINT "definitions_pkey" PRIMARY KEY("environment_id","table")
);
