CREATE TABLE "sole_workers" (
	"environment_id" integer NOT NULL,
	"work" text NOT NULL,
	"holder" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "sole_workers_pkey" PRIMARY KEY("environment_id","work")
);
