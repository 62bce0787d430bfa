import { STOP_PROCESS_CODES } from './failures/stop-process-codes.ts';
import { FILE_CODES } from './files/file-codes.ts';
import { NOTICE_CODES } from './notice-codes.ts';

/**
 * Every code of a failure, under what happens next, with one sentence on what it means and what a person
 * does about it. A code stands in several groups if the reaction depends on the place that throws it. A place may
 * give a remedy of its own, with table and column. The remedy in this list is the default.
 *
 * docs/failures.md is made from this list: `npm run docs:failures`.
 */
export const FAILURE_CODES = {
  /** The trouble passes: the next run may succeed as it is. */
  retry: {
    'database-tls': [
      'The TLS connection to PostgreSQL broke while it was set up.',
      'Check that the server speaks TLS 1.2 or later, and the files of sslrootcert, sslcert and sslkey in postgres.url (DATABASE_URL).',
    ],
    'database-unavailable': [
      'PostgreSQL answers, but cannot serve now: it restarts, is full, or somebody holds a lock.',
      'Check whether the server starts, has no connection left (max_connections), or waits for a lock. The log of PostgreSQL says more.',
    ],
    'database-unreachable': [
      'PostgreSQL cannot be reached, or a connection to it broke.',
      'Check host and port in postgres.url (DATABASE_URL), and that the server runs.',
    ],
    'definition-outdated': [
      'The table changed at the source while a page was read, and went on changing.',
      'Nothing to do: mirrorverse reads the definition again.',
    ],
    'environment-rewound': [
      'Another organization has taken the place of the one that is mirrored.',
      'Nothing to do: mirrorverse re-baselines every table.',
    ],
    ...FILE_CODES,
    'filter-ignored': [
      'A request for some rows was answered with other rows.',
      'Nothing to do: mirrorverse reads the rows one by one.',
    ],
    'lease-held': [
      'Another process writes the table.',
      'Let the other process finish, or stop it. It may be the daemon.',
    ],
    'lease-lost': [
      'Another process has taken over the table; nothing was committed.',
      'Nothing to do. If this happens often, the machine stands still for longer than the lease. Then raise `lease`.',
    ],
    'link-keeps-expiring': [
      'The environment refused one link after another, of a new baseline or of a snapshot.',
      'Check the environment: expirechangetrackingindays may be 0, or its tables may be changing now.',
    ],
    'link-loop': [
      'The environment named a next page that was read already.',
      'If this happens again, re-baseline the table: `mirrorverse backfill <table> --restart`.',
    ],
    'mirror-replaced': [
      'Somebody replaced, emptied, rewrote or restored a mirror table.',
      'Nothing to do: mirrorverse checks the table again, and loads it anew if rows may be missing.',
    ],
    'page-timed-out': [
      'A page timed out. mirrorverse requests pages of fewer rows.',
      'Nothing to do if this passes. If it lasts, check whether the environment is under load.',
    ],
    'partition-blocked': [
      'A mirror table cannot be moved to its partitions now. It goes on as it is.',
      'Look at `mirrorverse plan <table>`: it names what is in the way.',
    ],
    'pooler-refused': [
      'A connection pooler refused the connection or a statement (SQLSTATE 08P01).',
      'The log of the pooler says why: the pooler may refuse a parameter of postgres.url (DATABASE_URL) or PGOPTIONS, may not know the user or the database, may have too many connections, or may not reach the server.',
    ],
    'proxy-unreachable': [
      'The proxy cannot be reached, or has no connection to the host.',
      'Check host and port of the proxy in HTTPS_PROXY. If this machine reaches the host without the proxy, add the host to NO_PROXY.',
    ],
    'sign-in-failed': [
      'The environment refused the access token, and the file does not yet have a token that can be used.',
      'Put a current token into the file that DATAVERSE_ACCESS_TOKEN_FILE names.',
    ],
    'sign-in-unreachable': [
      'The identity endpoint cannot be reached, or something else answers in its place, such as a proxy.',
      'Check that the identity endpoint (AZURE_AUTHORITY_HOST) can be reached from here, and that no proxy or sign-in page answers in its place.',
    ],
    'source-unavailable': [
      'The environment does not answer, or answers with passing errors.',
      'Nothing to do if the environment is under maintenance. Otherwise check the network to the environment.',
    ],
    'table-paused': [
      'A person has paused the table.',
      '`mirrorverse resume <table>` lets the table go on. `mirrorverse status` says when the pause ends by itself.',
    ],
    'tracking-not-on-yet': [
      'Change tracking was turned on and published, but is not in force yet.',
      'Run `mirrorverse track <table>` again in a few minutes.',
    ],
    'unexpected-answer': [
      'An answer was cut on its way, or something other than the Web API answered.',
      'Nothing to do if this passes. Otherwise find out what answers, or cuts answers, on the way to the environment.',
    ],
    'verification-outdated': [
      'The table was loaded anew, or got other columns, each time that it was verified.',
      'Verify the table again when its load has ended (`mirrorverse status`).',
    ],
    'verification-taken': [
      'Another process has begun to verify the table, or goes on with its verification.',
      'Nothing to do: that process tells the result (`mirrorverse status`).',
    ],
  },

  /** The checkpoint is worth nothing any more: the table is loaded anew, over the rows that are there. */
  rebaseline: {
    'environment-rewound': [
      'The environment has gone back in time: it was restored, copied over or reset.',
      'Nothing to do: mirrorverse re-baselines the table.',
    ],
    'link-expired': [
      'The environment no longer knows the link that the table follows.',
      'Nothing to do: mirrorverse re-baselines the table.',
    ],
    'link-too-wide': [
      'The link names more calculated columns than the environment allows.',
      'Nothing to do: mirrorverse re-baselines the table, and reads those columns by separate requests.',
    ],
    'load-incomplete': [
      'A re-baseline left out rows that are still at the source; nothing was deleted.',
      "Check that the application user's security role has organization-level Read on the table. mirrorverse then loads the table anew.",
    ],
  },

  /** Somebody must change something; other tables are not affected. The daemon tries again on a slow beat. */
  'stop-table': {
    'address-blocked': [
      'The environment refuses requests from this address.',
      "Allow this machine's address in the environment's IP firewall.",
    ],
    'answer-too-large': [
      'An answer of hundreds of megabytes is not a page. mirrorverse did not read it to its end.',
      'Find out what answers in place of the environment. mirrorverse expects no answer of that size.',
    ],
    'certificate-refused': [
      'The certificate of the environment is not accepted; nothing was sent.',
      "Check dataverse.url (DATAVERSE_URL) and this machine's clock; behind a proxy that opens TLS, name the certificate of its authority in NODE_EXTRA_CA_CERTS.",
    ],
    'change-tracking-off': [
      'Change tracking is off for the table, or for a table that it joins.',
      'Turn change tracking on with `mirrorverse track <table>`, or with "Track changes" in the table\'s advanced options in Power Apps.',
    ],
    collation: [
      'The partition column of a mirror table has a nondeterministic collation, so two partitions may count as one.',
      'Run ALTER TABLE … ALTER COLUMN partitionid TYPE text COLLATE "default" for the mirror table. Then the table goes on by itself.',
    ],
    'column-needed': [
      'The key, version or partition of a table cannot be left out or hashed.',
      'Remove the column from columns.exclude or columns.hash of the table.',
    ],
    'column-refused': [
      'The environment declares a column, and refuses every query that names it.',
      'Leave the column out: add it to columns.exclude of its table.',
    ],
    'customize-privilege-missing': [
      'The signed-in identity may not customize the table, so it cannot turn on change tracking.',
      'Give the application user the role System Customizer or System Administrator for now (privileges Write on Entity and Publish Customizations), or have an administrator turn on "Track changes" in Power Apps.',
    ],
    'database-missing': [
      'PostgreSQL has no database of that name.',
      'Create the database (CREATE DATABASE), or correct postgres.url (DATABASE_URL).',
    ],
    'database-sign-in': [
      'PostgreSQL refused the user or the password.',
      'Check user and password in postgres.url (DATABASE_URL), and pg_hba.conf.',
    ],
    'database-tls': [
      'PostgreSQL has no TLS, or its certificate does not prove its name.',
      'Check sslmode and sslrootcert of postgres.url (DATABASE_URL), and the certificate of the server.',
    ],
    'definition-odd': [
      'The definition of the table makes no sense. The message names the member.',
      'Correct the table in the environment, or remove it from `tables`.',
    ],
    'delta-link-missing': [
      'The last page came without a delta link; most often change tracking is off.',
      'Check that change tracking is on for the table ("Track changes" in its advanced options).',
    ],
    'dependent-objects': [
      'A view or another object of yours uses a column that mirrorverse has to drop.',
      'Drop the object, or set `deletes` back to soft. The daemon then goes on by itself.',
    ],
    drift: [
      'The key or the version of a mirror table has another type than the source.',
      'Rename the mirror table. mirrorverse then loads a new one.',
    ],
    'drift-blocked': [
      'Views of yours use a column that has to change.',
      'Drop the views, and make them again after the table is up to date.',
    ],
    'drift-refused': [
      'The table has changed at the source, and the configuration refuses such changes.',
      'Set drift.columnRemoved or drift.columnRetyped to apply or ask.',
    ],
    'drift-unconfirmed': [
      'The table has changed at the source, and the configuration asks before such changes.',
      '`mirrorverse plan <table>` shows the change. `mirrorverse plan <table> --apply` allows it.',
    ],
    'endless-paging': [
      'The environment named a hundred pages in a row that bring nothing.',
      'Nothing to do at first: the next run tries again. If this lasts, re-baseline the table: `mirrorverse backfill <table> --restart`.',
    ],
    'erasure-refused': [
      '`deletes` became `hard`, and many rows are marked deleted. mirrorverse does not delete so many rows without a yes.',
      '`mirrorverse plan <table> --apply` lets the next run delete the rows. `deletes: soft` keeps them.',
    ],
    'foreign-key': [
      'A foreign key of a mirror table refuses a row because the row that it refers to comes later; or a foreign key of another table refuses a delete.',
      'Drop the foreign key. If it belongs to another table, you may make it again with ON DELETE CASCADE or SET NULL.',
    ],
    'foreign-link': [
      'The environment named a link to another address. mirrorverse made no request to it.',
      'If the environment moved, set dataverse.url (DATAVERSE_URL) to its new address. Otherwise find out what answers in its place.',
    ],
    'foreign-table': [
      'A table that mirrorverse did not make has the name of a mirror table. mirrorverse leaves that table as it is.',
      'Rename or drop what has the name, or set postgres.schema (MIRRORVERSE_SCHEMA) to another schema.',
    ],
    'grant-missing': [
      'The role of postgres.url lacks a privilege.',
      'Give the role of postgres.url ownership of its tables, and what `mirrorverse check` prints: USAGE and CREATE on its schemas, CONNECT and TEMPORARY on the database.',
    ],
    'key-missing': [
      'The mirror table has lost the key that tells its rows apart.',
      'Make the key again (ALTER TABLE … ADD PRIMARY KEY), or drop the mirror table. mirrorverse then loads the table anew.',
    ],
    'load-incomplete': [
      'A second load in a row left out rows that are still at the source; nothing was deleted.',
      "Check that the application user's security role has organization-level Read on the table. mirrorverse then loads the table anew.",
    ],
    'name-taken': [
      'Something else has the name of a mirror table, or of the table `_loads` beside the mirror tables.',
      'Rename or drop what has the name, or set postgres.schema (MIRRORVERSE_SCHEMA) to another schema.',
    ],
    'not-a-member': [
      'The signed-in identity is not a user of this environment.',
      'Create an application user for the app registration in the environment and give it a security role.',
    ],
    'not-in-quarantine': [
      '`quarantine dismiss` was given a key that is not in quarantine. Nothing was dismissed.',
      '`mirrorverse quarantine <table>` lists the keys. Put a key with spaces or commas in quotes.',
    ],
    'not-mirrorable': [
      'The table cannot be mirrored: it is virtual and not tracked, or has no entity set or no readable primary id.',
      'Remove the table from `tables`.',
    ],
    'nudge-privilege-missing': [
      'The signed-in identity may not read or change the webhooks of the environment.',
      'Sign in as an administrator for this command, such as with MIRRORVERSE_AUTH=azure-cli or device-code (role System Customizer or System Administrator). The daemon does not need this privilege.',
    ],
    'pause-without-effect': [
      'A pause would be over at once: its end has passed, or the delta link has lived most of its life.',
      'Name a later end of the pause.',
    ],
    'privilege-missing': [
      'The signed-in identity may not read the table.',
      "Give the application user's security role organization-level Read on the table.",
    ],
    'proxy-refused': [
      'The proxy refuses the connection, or asks for a user and a password.',
      'Allow the host at the proxy, or put user and password of the proxy into HTTPS_PROXY.',
    ],
    'replica-identity': [
      'PostgreSQL refuses to change rows (SQLSTATE 55000): most likely the mirror table is in a publication, and somebody removed its replica identity.',
      'Run ALTER TABLE … REPLICA IDENTITY DEFAULT for the mirror table (FULL if it has no primary key), or remove it from the publication. Then the table goes on by itself.',
    ],
    'request-refused': [
      'Dataverse refused a request with an error code that this list does not know. The message has the code.',
      'Look the code up in the “Web service error codes” of Dataverse. The field requestId of the log line is for a support case.',
    ],
    'row-filter-refused': [
      'The filter of rows is no condition over the columns of the mirror table. Nothing was written.',
      'Correct `rows` of the table. The message says what is wrong.',
    ],
    'row-security': [
      'Row security of a table applies to the role of postgres.url, but this role must see and write every row.',
      'Exempt the role from row security of that table.',
    ],
    'row-too-large': [
      'A row is larger than limits.memory allows.',
      'Leave the widest columns out (columns.exclude), or raise limits.memory (MIRRORVERSE_MEMORY).',
    ],
    'rows-swallowed': [
      'A trigger, a rule or a policy drops or changes rows that are written. Nothing of the page was committed.',
      'Drop the trigger, rule or policy, or change it so that it lets every row through. The table then goes on by itself.',
    ],
    'sign-in-failed': [
      'The secret, certificate, tenant or token is wrong.',
      'Check the variables of the way to sign in (MIRRORVERSE_AUTH). The message names this way.',
    ],
    'sign-in-refused': [
      'The environment does not accept the access token.',
      'Check that the token is for this environment and that the app registration has an application user in it.',
    ],
    'state-replaced': [
      'The state schema was dropped under a running process.',
      'Restart mirrorverse. It then loads the tables anew over the rows that are there.',
    ],
    'statement-failed': [
      'PostgreSQL refused a statement.',
      'Somebody may have changed a mirror table by hand. Otherwise this is a defect of mirrorverse: please report it with this line of the log.',
    ],
    'sweep-refused': [
      'A re-baseline did not see many of the rows. mirrorverse does not delete so many rows without a yes.',
      "Give the application user's security role organization-level Read on the table. mirrorverse then loads the table anew. If the rows are gone at the source, `mirrorverse plan <table> --apply` lets the next run delete them.",
    ],
    'table-configured': [
      '`forget` was given a table that the configuration means.',
      'Remove the table from `tables`, or leave it out of a pattern with `!<table>`. A daemon needs a restart or a reload to know.',
    ],
    'table-not-found': [
      'The environment has no table of that logical name.',
      'Check the logical name. `mirrorverse tables` lists the tables of the environment.',
    ],
    'table-not-known': [
      'A command was given a table that is not mirrored here.',
      '`mirrorverse status` lists the tables. A table is known after the first start with it.',
    ],
    'table-removed': [
      'The environment no longer has a table that a pattern brought. The mirror keeps its rows.',
      'Nothing to do. Drop the mirror table if you do not need its rows.',
    ],
    'too-many-bad-rows': [
      'More rows of a page cannot be stored than quarantine.maxShare allows. Nothing of the page was committed.',
      'Correct what the message names, or raise quarantine.maxShare to put such rows into quarantine.',
    ],
    'too-many-columns': [
      'The table needs more columns than a table of PostgreSQL can have. Dropped columns count.',
      'Leave columns out: add names or patterns such as new_* to columns.exclude of the table.',
    ],
    'tracking-impossible': [
      'Change tracking of the table cannot be turned on.',
      'Give the table `mode: snapshot`, or remove it from `tables`.',
    ],
    unexpected: [
      'mirrorverse has a defect.',
      'Please report this with the line of the log that has this code.',
    ],
    'unexpected-answer': [
      'Something other than the Web API answers, or the answer has a form that mirrorverse does not know.',
      'Check dataverse.url (DATAVERSE_URL), and whether a proxy or a sign-in page answers in place of the environment.',
    ],
    'virtual-untracked': [
      'The table is virtual, and it gives no delta link although its change tracking is on.',
      'Give the table `mode: snapshot`, or remove it from `tables`.',
    ],
  },

  /** Nothing can work before somebody changes something. */
  'stop-process': STOP_PROCESS_CODES,

  /** Nothing stops: the log, `status`, `check` or `/readyz` says so, and the work goes on. */
  'go-on': NOTICE_CODES,
} as const satisfies Record<string, Readonly<Record<string, readonly [meaning: string, remedy: string]>>>;

type Listed = typeof FAILURE_CODES;
type CodesOf<Group extends keyof Listed> = keyof Listed[Group];

/** What must happen after a failure; the caller decides by this word alone. */
export type Reaction = Exclude<keyof Listed, 'go-on'>;

/** The code of something that is told while the work goes on; no failure is thrown with it. */
export type NoticeCode = CodesOf<'go-on'>;

/** The code of a failure. */
export type FailureCode = { [R in Reaction]: CodesOf<R> }[Reaction];

/** The reactions that the list knows for a code. */
export type ReactionTo<Code extends FailureCode> = {
  [R in Reaction]: Code extends CodesOf<R> ? R : never;
}[Reaction];
