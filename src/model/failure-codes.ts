/**
 * Every code of a failure, under what happens next, with one sentence on what it means and what a person
 * does about it. A code stands in several groups where the place that throws it decides. A place may say a
 * remedy of its own, which knows table and column; the one here is the default.
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
      'It is tried again by itself; look at the PostgreSQL log if it lasts.',
    ],
    'database-unreachable': [
      'PostgreSQL cannot be reached, or a connection to it broke.',
      'It is tried again by itself; check host and port in postgres.url (DATABASE_URL), and that the server runs.',
    ],
    'definition-outdated': [
      'The table has changed at the source while a page came, and went on changing.',
      'Nothing to do: its definition is read again by itself.',
    ],
    'environment-rewound': [
      'Another organization has taken the place of the one that is mirrored.',
      'Nothing to do: every table is re-baselined by itself.',
    ],
    'filter-ignored': [
      'A request for some rows was answered with other rows.',
      'Nothing to do: the rows are read one by one.',
    ],
    'lease-held': ['Another process writes the table.', 'Let it finish, or stop it; it may be the daemon.'],
    'lease-lost': [
      'Another process has taken over the table; nothing was committed.',
      'Nothing to do. If it happens often, the machine stands still for longer than the lease: raise lease.',
    ],
    'link-keeps-expiring': [
      'One new baseline after another, or one link of a full read after another, was refused.',
      'Check the environment: expirechangetrackingindays may be 0, or its tables may be changing just now.',
    ],
    'link-loop': [
      'The environment named a next page that was read already.',
      'If it happens again, re-baseline the table: `mirrorverse backfill <table> --restart`.',
    ],
    'mirror-replaced': [
      'A mirror table is not as it was left: it was replaced, emptied, rewritten or restored.',
      'Nothing to do: it is checked again by itself, and loaded anew where rows may be missing.',
    ],
    'page-timed-out': [
      'A page timed out; pages of fewer rows are asked for.',
      'Nothing to do if it passes; if it lasts, see whether the environment is under load.',
    ],
    'pooler-refused': [
      'A connection pooler refused the connection or a statement (SQLSTATE 08P01).',
      'It is tried again by itself. The log of the pooler says why: a parameter of postgres.url (DATABASE_URL) or PGOPTIONS that it does not take, a user or database it does not know, too many connections, or a server it cannot reach.',
    ],
    'sign-in-failed': [
      'The access token was refused, and the file with the next one cannot be used yet.',
      'See to it that DATAVERSE_ACCESS_TOKEN_FILE names a file with a current token.',
    ],
    'sign-in-unreachable': [
      'The identity endpoint cannot be reached, or something else answers in its place, such as a proxy.',
      'Check that the identity endpoint (AZURE_AUTHORITY_HOST) can be reached from here, and that no proxy or sign-in page answers in its place.',
    ],
    'source-unavailable': [
      'The environment does not answer, or answers with passing errors.',
      'Nothing to do if the environment is under maintenance; otherwise check the network to it.',
    ],
    'tracking-not-on-yet': [
      'Change tracking was turned on and published, but is not in force yet.',
      'Run `mirrorverse track <table>` again in a few minutes.',
    ],
    'unexpected-answer': [
      'An answer was cut on its way, or something other than the Web API answered.',
      'Nothing to do if it passes; otherwise find out what answers, or cuts answers, on the way to the environment.',
    ],
  },

  /** The checkpoint is worth nothing any more: the table is loaded anew, over the rows that are there. */
  rebaseline: {
    'environment-rewound': [
      'The environment has gone back in time: it was restored, copied over or reset.',
      'Nothing to do: the table is re-baselined by itself.',
    ],
    'link-expired': [
      'The environment no longer knows the link that the table follows.',
      'Nothing to do: the table is re-baselined by itself.',
    ],
    'link-too-wide': [
      'The link names more calculated columns than the environment allows.',
      'Nothing to do: the table is re-baselined by itself, and those columns are read beside.',
    ],
    'load-incomplete': [
      'A re-baseline left out rows that are still at the source; nothing was deleted.',
      "Check that the application user's security role has organization-level Read on the table; it is loaded anew by itself.",
    ],
  },

  /** Somebody must change something; other tables are not affected. The daemon tries again on a slow beat. */
  'stop-table': {
    'address-blocked': [
      'The environment refuses requests from this address.',
      "Allow this machine's address in the environment's IP firewall.",
    ],
    'answer-too-large': [
      'An answer of hundreds of megabytes is no page; it was not read to its end.',
      'Find out what the environment answers; mirrorverse expects nothing of that size.',
    ],
    'certificate-refused': [
      'The certificate of the environment is not accepted; nothing was sent.',
      "Check dataverse.url (DATAVERSE_URL) and this machine's clock; behind a proxy that opens TLS, name its authority's certificate in NODE_EXTRA_CA_CERTS.",
    ],
    'change-tracking-off': [
      'Change tracking is off for the table, or for one that it joins.',
      'Turn it on with `mirrorverse track <table>`, or with "Track changes" in the table\'s advanced options in Power Apps.',
    ],
    collation: [
      'The partition column of a mirror table was given a nondeterministic collation, by which two partitions may count as one.',
      'Run ALTER TABLE … ALTER COLUMN partitionid TYPE text COLLATE "default" for the mirror table. The table goes on by itself then.',
    ],
    'column-needed': [
      'The key, version or partition of a table cannot be left out or hashed.',
      'Take the column out of columns.exclude or columns.hash of the table.',
    ],
    'column-refused': [
      'The environment declares a column, and refuses every query that names it.',
      'Leave the column out: name it in columns.exclude of its table.',
    ],
    'customize-privilege-missing': [
      'The signed-in identity may not customize the table, so it cannot turn on change tracking.',
      'Give the application user the role System Customizer or System Administrator for the time being (privileges Write on Entity and Publish Customizations), or have an administrator turn on "Track changes" in Power Apps.',
    ],
    'database-missing': [
      'PostgreSQL has no database of that name.',
      'Create it (CREATE DATABASE), or correct postgres.url (DATABASE_URL).',
    ],
    'database-sign-in': [
      'PostgreSQL refused the user or the password.',
      'Check user and password in postgres.url (DATABASE_URL), and pg_hba.conf.',
    ],
    'database-tls': [
      'PostgreSQL has no TLS, or its certificate proves too little.',
      'See sslmode and sslrootcert of postgres.url (DATABASE_URL), and the certificate of the server.',
    ],
    'definition-odd': [
      'The environment describes the table in a way that makes no sense; the message names the member.',
      'Mend the table in the environment, or take it out of tables.',
    ],
    'delta-link-missing': [
      'The last page came without a delta link; most often change tracking is off.',
      'Check that change tracking is on for the table ("Track changes" in its advanced options).',
    ],
    'dependent-objects': [
      'Something of yours, such as a view, uses a column that has to go.',
      'Drop it, or set deletes back to soft; the daemon then goes on by itself.',
    ],
    drift: [
      'The key or the version of a mirror table has another type than the source.',
      'Rename the mirror table; the table is then loaded into a new one by itself.',
    ],
    'drift-blocked': [
      'Views of yours are made of a column that has to change.',
      'Drop the views, and make them again once the table is up to date.',
    ],
    'drift-refused': [
      'The table has changed at the source, and the configuration refuses such changes.',
      'Set drift.columnRemoved or drift.columnRetyped to apply or ask.',
    ],
    'drift-unconfirmed': [
      'The table has changed at the source, and the configuration asks before such changes.',
      'Look at the change with `mirrorverse plan <table>`, and let it happen with `mirrorverse plan <table> --apply`.',
    ],
    'endless-paging': [
      'The environment named a hundred pages in a row that bring nothing.',
      'Nothing to do if it ends by itself: the next run tries again. Otherwise re-baseline the table: `mirrorverse backfill <table> --restart`.',
    ],
    'erasure-refused': [
      '`deletes` became `hard`, and so many rows are marked deleted that somebody is asked before they go.',
      '`mirrorverse plan <table> --apply` lets the next run delete them; `deletes: soft` keeps them.',
    ],
    'foreign-key': [
      'A foreign key of a mirror table refuses rows whose other rows come later, or one of another table refuses a delete.',
      'Drop the foreign key, or make one that refers to a mirror table anew with ON DELETE CASCADE or SET NULL.',
    ],
    'foreign-link': [
      'The environment named a link to another address; no request was made.',
      'If the environment moved, set dataverse.url (DATAVERSE_URL) to its new address. Otherwise find out who answers in its place.',
    ],
    'foreign-table': [
      'A table that mirrorverse did not make has the name of a mirror table; it is left as it is.',
      'Rename or drop it, or set postgres.schema (MIRRORVERSE_SCHEMA) to another schema.',
    ],
    'grant-missing': [
      'The role of postgres.url lacks a privilege.',
      'Give the role of postgres.url ownership of its tables, and what `mirrorverse check` prints: USAGE and CREATE on its schemas, CONNECT and TEMPORARY on the database.',
    ],
    'key-missing': [
      'The mirror table has lost the key that tells its rows apart.',
      'Make the key again (ALTER TABLE … ADD PRIMARY KEY), or drop the mirror table: it is then loaded anew by itself.',
    ],
    'load-incomplete': [
      'A second load in a row left out rows that are still at the source; nothing was deleted.',
      "Check that the application user's security role has organization-level Read on the table; it is loaded anew by itself.",
    ],
    'name-taken': [
      'Something else has the name of a mirror table, or of the table `_loads` beside them.',
      'Rename or drop it, or set postgres.schema (MIRRORVERSE_SCHEMA) to another schema.',
    ],
    'not-a-member': [
      'The signed-in identity is not a user of this environment.',
      'Create an application user for the app registration in the environment and give it a security role.',
    ],
    'not-in-quarantine': [
      '`quarantine dismiss` was given a key that is not there; nothing was dismissed.',
      '`mirrorverse quarantine <table>` lists the keys; one with spaces or commas goes in quotes.',
    ],
    'not-mirrorable': [
      'The table cannot be mirrored: it is virtual, or has no entity set or no readable primary id.',
      'Take it out of tables.',
    ],
    'privilege-missing': [
      'The signed-in identity may not read the table.',
      "Give the application user's security role organization-level Read on the table.",
    ],
    'replica-identity': [
      'PostgreSQL refuses to change rows (SQLSTATE 55000): most likely the mirror table is in a publication, and its replica identity was taken away.',
      'Run ALTER TABLE … REPLICA IDENTITY DEFAULT for the mirror table, FULL for one without a primary key, or take it out of the publication. The table goes on by itself then.',
    ],
    'request-refused': [
      'Dataverse refused a request with an error code that has no line here; the message has it.',
      'Look the code up in the Web service error codes; the log has the request id for a support case.',
    ],
    'row-security': [
      'Row security of a table holds for the role of postgres.url, which must see and write every row.',
      'Exempt the role from row security of that table.',
    ],
    'row-too-large': [
      'A row is larger than limits.memory allows.',
      'Leave the widest columns out (columns.exclude), or raise limits.memory (MIRRORVERSE_MEMORY).',
    ],
    'rows-swallowed': [
      'A trigger, a rule or a policy drops or changes what is written; nothing of the page was committed.',
      'Drop it, or have it let every row through; the table then goes on by itself.',
    ],
    'sign-in-failed': [
      'The secret, certificate, tenant or token is wrong.',
      'Check the variables of the chosen way to sign in (MIRRORVERSE_AUTH); the message names it.',
    ],
    'sign-in-refused': [
      'The environment does not accept the access token.',
      'Check that the token is for this environment and that the app registration has an application user in it.',
    ],
    'state-replaced': [
      'The state schema was dropped under a running process.',
      'Restart mirrorverse; the tables are then loaded anew over the rows that are there.',
    ],
    'statement-failed': [
      'PostgreSQL refused a statement.',
      'This is a defect in mirrorverse or a mirror table changed by hand. Please report it with this log line.',
    ],
    'sweep-refused': [
      'A re-baseline did not see so many rows that somebody is asked before they go.',
      "Give the application user's security role organization-level Read on the table; it is then loaded anew by itself. If the rows are gone at the source, `mirrorverse plan <table> --apply` lets the next run delete them.",
    ],
    'table-not-found': [
      'The environment has no table of that logical name.',
      'Check the logical name; `mirrorverse tables` lists the tables of the environment.',
    ],
    'table-removed': [
      'The environment no longer has a table that a pattern meant; its rows are kept.',
      'Nothing has to be done; drop its mirror table if its rows are not needed.',
    ],
    'too-many-bad-rows': [
      'More rows of a page cannot be stored than quarantine.maxShare allows; nothing of the page was committed.',
      'Mend what the message names, or raise quarantine.maxShare to have such rows in quarantine.',
    ],
    'too-many-columns': [
      'The table would need more columns than PostgreSQL takes, dropped ones counted.',
      'Leave some out: name them in columns.exclude of the table, by patterns such as new_*.',
    ],
    'tracking-impossible': [
      'Change tracking of the table cannot be turned on.',
      'Give the table `mode: snapshot`, or take it out of tables.',
    ],
    unexpected: [
      'mirrorverse has a defect.',
      'This is a defect in mirrorverse. Please report it with the log line that has this code.',
    ],
    'unexpected-answer': [
      'Something other than the Web API answers, or in a form that mirrorverse does not know.',
      'Check dataverse.url (DATAVERSE_URL), and whether a proxy or sign-in page answers in its place.',
    ],
  },

  /** Nothing can work before somebody changes something. */
  'stop-process': {
    'database-encoding': [
      'The encoding of the database cannot hold all characters of Dataverse.',
      "Make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and name it in postgres.url (DATABASE_URL).",
    ],
    'embedded-postgres': [
      'The bundled PostgreSQL cannot be used; the message says why.',
      'Do what the message says, or set postgres.url (DATABASE_URL) to a PostgreSQL server of your own.',
    ],
    'environment-changed': [
      'The mirror schema belongs to another organization at another address.',
      'Mirror the other organization into a schema of its own: set postgres.schema (MIRRORVERSE_SCHEMA).',
    ],
    'pooler-statement-mode': [
      'The connection pooler before PostgreSQL allows no transactions.',
      'Give mirrorverse a database of the pooler with pool_mode = transaction or session, or have postgres.url (DATABASE_URL) name PostgreSQL itself.',
    ],
    'port-taken': [
      'Another program listens on the port of the health checks or of the emulator.',
      'Choose another port, or stop the program that uses it.',
    ],
    'state-newer': [
      'A later version of mirrorverse has migrated the state schema (exit status 3).',
      'Run that version or a later one; nothing was touched.',
    ],
    'state-older': [
      'The state schema is of an earlier version of mirrorverse.',
      'Run `mirrorverse migrate`; run, sync and backfill do it too.',
    ],
  },

  /** Nothing stops: the log, `status`, `check` or `/readyz` says so, and the work goes on. */
  'go-on': {
    'column-odd': [
      'The environment describes a column in a way that makes no sense; the column is not mirrored.',
      'Mend the column in the environment, or name it in columns.exclude of its table.',
    ],
    'drift-pending': [
      'The table has changed at the source, and a change waits until somebody says yes to it.',
      'Look at the change with `mirrorverse plan <table>`, and let it happen with `mirrorverse plan <table> --apply`.',
    ],
    'link-ageing': [
      'Tables are polled so seldom that their delta links may expire.',
      'Look at `mirrorverse status`, and give the tables a schedule with more ticks.',
    ],
    'metadata-unread': [
      'The definition of the table cannot be had just now; the table goes on as it was known.',
      'Run `mirrorverse check`; changes of the columns are followed once the definition can be read again.',
    ],
    'settings-differ': [
      'Two processes mirror a table with different settings.',
      'Give both processes the same settings of the table, or stop one of them.',
    ],
    starting: ['Database and environment are being opened.', 'Nothing to do.'],
    stopping: ['The process is stopping.', 'Nothing to do.'],
    throttled: [
      'The environment asked to keep all requests back for a while.',
      'Nothing to do: it goes on by itself. If it comes often, lower limits.requestsPer5Minutes or limits.concurrency.',
    ],
  },
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
