CREATE TABLE "audit_reads" (
	"environment_id" integer NOT NULL,
	"auditid" uuid NOT NULL,
	"outcome" text NOT NULL,
	"detail" text,
	"error_code" text,
	"read_at" timestamp with time zone NOT NULL,
	CONSTRAINT "audit_reads_pkey" PRIMARY KEY("environment_id","auditid")
);
