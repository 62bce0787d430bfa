CREATE TABLE "shares" (
	"identity" text NOT NULL,
	"process" text NOT NULL,
	"weight" double precision NOT NULL,
	"limits" integer[] NOT NULL,
	"requests" integer NOT NULL,
	"concurrency" integer NOT NULL,
	"execution_time" integer NOT NULL,
	"spent_requests" integer[] NOT NULL,
	"spent_time" integer[] NOT NULL,
	"in_flight" integer NOT NULL,
	"renewed_at" timestamp with time zone NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"throttled_until" timestamp with time zone,
	CONSTRAINT "shares_pkey" PRIMARY KEY("identity","process")
);
