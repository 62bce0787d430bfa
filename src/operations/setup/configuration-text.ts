import { stringify } from 'yaml';
import type { SignIn } from '../../dataverse/sign-in/sign-in-methods.ts';
import { addressPassword, parseAddress } from '../../mirror/connection/postgres-address.ts';

/** What a set-up found out. */
export interface SetUp {
  /** Address of the environment. */
  readonly url: string;
  /** `dataverse.auth`; undefined if the variables decide. */
  readonly auth: string | undefined;
  /** The way in which the sign-in worked. */
  readonly method: SignIn['method'];
  /** Address of the database, or `embedded`. */
  readonly database: string;
  readonly tables: readonly { readonly name: string; readonly rows: number | null }[];
}

/** The files of a set-up. */
export interface ConfigurationText {
  readonly yaml: string;
  /** The example of the variables, without any value that is secret. */
  readonly env: string;
  /** The address of the database has a password, so it is not in the YAML. */
  readonly isDatabaseSecret: boolean;
}

/** Stands for a secret in the example. A shell reads it as it is. */
const PLACEHOLDER = 'PASSWORD';

/** Writes what was found out as a configuration with comments, and as an example of variables. */
export function configurationText(setUp: SetUp): ConfigurationText {
  const example = secretExample(setUp.database);
  return {
    yaml: yamlText(setUp, example !== undefined),
    env: envText(setUp, example),
    isDatabaseSecret: example !== undefined,
  };
}

function yamlText({ url, auth, database, tables }: SetUp, isDatabaseSecret: boolean): string {
  return [
    '# The configuration of mirrorverse. Variables win over this file.',
    'dataverse:',
    `  url: ${scalar(url)}`,
    ...(auth === undefined
      ? ['  # auth: the variables of .env.example say how to sign in']
      : [`  auth: ${scalar(auth)}`]),
    'postgres:',
    isDatabaseSecret
      ? '  # url: the variable DATABASE_URL has it, because it contains a password'
      : `  url: ${scalar(database)}${database === 'embedded' ? ' # the bundled PostgreSQL, under .mirrorverse/' : ''}`,
    "  schema: dataverse # the mirror tables; the daemon's own tables are in the schema mirrorverse",
    "schedule: '*/5 * * * *' # every five minutes; `adaptive` follows how often a table changes",
    'tables: # names or patterns, such as new_*; `mirrorverse tables` lists what there is',
    ...tables.map(
      ({ name, rows }) => `  - ${scalar(name)}${rows === null ? '' : ` # about ${thousands(rows)} rows`}`,
    ),
    '',
  ].join('\n');
}

function envText({ method }: SetUp, database: string | undefined): string {
  return [
    '# Variables of mirrorverse. Copy this file to .env, fill it in, and keep .env out of the repository.',
    '# mirrorverse does not read .env by itself: use `set -a; . ./.env; set +a`, or `docker run --env-file .env`.',
    '# Each secret may also be in a file of its own, named by the variable with _FILE at its end.',
    '',
    ...SIGN_IN[method],
    ...(database === undefined ? [] : ['', '# The database.', `DATABASE_URL=${database}`]),
    '',
    '# MIRRORVERSE_LOG_LEVEL=info',
    '',
  ].join('\n');
}

const APPLICATION = ['AZURE_TENANT_ID=', 'AZURE_CLIENT_ID='];

/** The variables of each way to sign in. */
const SIGN_IN: Readonly<Record<SignIn['method'], readonly string[]>> = {
  'access-token': ['# A ready bearer token for the environment.', 'DATAVERSE_ACCESS_TOKEN='],
  'client-secret': ['# An app registration with a secret.', ...APPLICATION, 'AZURE_CLIENT_SECRET='],
  'client-certificate': [
    '# An app registration with a certificate: the path of its file.',
    ...APPLICATION,
    'AZURE_CLIENT_CERTIFICATE_PATH=',
  ],
  'workload-identity': [
    '# An app registration with a federated token: the path of its file.',
    ...APPLICATION,
    'AZURE_FEDERATED_TOKEN_FILE=',
  ],
  'managed-identity': [
    '# A user-assigned managed identity; empty for the one of the system.',
    '# AZURE_CLIENT_ID=',
  ],
  'azure-cli': [
    '# The sign-in is the one of `az login`. A daemon needs an app registration:',
    ...commented(),
  ],
  'device-code': ['# A person signs in. A daemon needs an app registration:', ...commented()],
  browser: ['# A person signs in. A daemon needs an app registration:', ...commented()],
  default: [
    '# An app registration with a secret, if the machine has no identity of its own.',
    ...commented(),
  ],
};

function commented(): string[] {
  return [...APPLICATION, 'AZURE_CLIENT_SECRET='].map((line) => `# ${line}`);
}

/** The address of a database with a placeholder for its password; undefined if it has none. */
function secretExample(database: string): string | undefined {
  const address = parseAddress(database);
  if (address === undefined || addressPassword(address) === undefined) return undefined;
  const example = database.replace(/^(\w+:\/\/[^:@/?#]*:)[^@/?#]*@/, `$1${PLACEHOLDER}@`);
  return example.replace(/([?&]password=)[^&#]*/gi, `$1${PLACEHOLDER}`);
}

function scalar(value: string): string {
  return stringify(value, { lineWidth: 0 }).trimEnd();
}

function thousands(rows: number): string {
  return rows.toLocaleString('en-US');
}
