import type * as Core from 'drizzle-orm';
import type * as Errors from 'drizzle-orm/errors';
import type * as Migrator from 'drizzle-orm/migrator';
import type * as NodePostgres from 'drizzle-orm/node-postgres';
import type * as PgCore from 'drizzle-orm/pg-core';
import { createRequire } from 'node:module';

/*
 * Drizzle by `require`: for each of its hundred ES modules Node 24 reads the description of the package
 * anew, which is 180 kB. Every start took a second for that, and 150 MB.
 */
const load = createRequire(import.meta.url);

export const { and, count, eq, getTableColumns, inArray, isNotNull, isNull, lt, or, sql } = load(
  'drizzle-orm',
) as typeof Core;
export const { DrizzleQueryError } = load('drizzle-orm/errors') as typeof Errors;
export const { readMigrationFiles } = load('drizzle-orm/migrator') as typeof Migrator;
export const { drizzle } = load('drizzle-orm/node-postgres') as typeof NodePostgres;
export const {
  bigint,
  boolean,
  index,
  integer,
  pgSchema,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
} = load('drizzle-orm/pg-core') as typeof PgCore;
