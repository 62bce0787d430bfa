/** Codes of failures after which nothing can work before somebody changes something, each with its meaning and remedy. */
export const STOP_PROCESS_CODES = {
  'citus-missing': [
    '`postgres.distribution` is citus, and the database lacks the extension Citus.',
    'Run CREATE EXTENSION citus as an administrator (citus has to be in shared_preload_libraries), or remove postgres.distribution.',
  ],
  'database-encoding': [
    'The encoding of the database cannot hold all characters of Dataverse.',
    "Make another database with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and name it in postgres.url (DATABASE_URL).",
  ],
  'embedded-postgres': [
    'The bundled PostgreSQL cannot be used; the message says why.',
    'Do what the message says, or set postgres.url (DATABASE_URL) to a PostgreSQL server of your own.',
  ],
  'engine-unfit': [
    "The server speaks PostgreSQL's protocol, but lacks what a mirror relies on.",
    'Name a PostgreSQL server in postgres.url (DATABASE_URL): version 15 or later, also as a managed service.',
  ],
  'environment-changed': [
    'The mirror schema belongs to another organization at another address.',
    'Mirror this organization into another schema: set postgres.schema (MIRRORVERSE_SCHEMA).',
  ],
  'pooler-statement-mode': [
    'The connection pooler before PostgreSQL allows no transactions.',
    'Give mirrorverse a database of the pooler with pool_mode = transaction or session, or let postgres.url (DATABASE_URL) name PostgreSQL itself.',
  ],
  'port-taken': [
    'The HTTP port or the port of the emulator cannot be opened: another program listens there, or the host is no address of this machine.',
    'Choose another port, or stop the program that uses it.',
  ],
  'state-newer': [
    'A later version of mirrorverse has migrated the state schema (exit status 3).',
    'Run that version or a later one. Nothing was changed.',
  ],
  'state-older': [
    'The state schema is of an earlier version of mirrorverse.',
    'Run `mirrorverse migrate`. The commands run, sync and backfill migrate too.',
  ],
} as const;
