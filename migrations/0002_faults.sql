ALTER TABLE "tables" ADD COLUMN IF NOT EXISTS "metadata_id" text;--> statement-breakpoint
ALTER TABLE "environments" ADD COLUMN "paused_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "link_page_size" integer;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "rewound" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "unseen_rows" bigint;--> statement-breakpoint
ALTER TABLE "tables" ADD COLUMN "sweep_allowed" boolean DEFAULT false NOT NULL;