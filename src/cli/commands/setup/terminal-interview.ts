import {
  autocompleteMultiselect,
  confirm,
  intro,
  isCancel,
  log,
  outro,
  password,
  select,
  text,
} from '@clack/prompts';
import { configOfAnswers, type Answers } from '../../../config/answers.ts';
import { ConfigError } from '../../../config/config.ts';
import { toFailure } from '../../../model/failure.ts';
import { addressPassword, parseAddress } from '../../../mirror/connection/postgres-address.ts';
import {
  DISCOVERY,
  discoverEnvironments,
  type FoundEnvironment,
} from '../../../operations/setup/environment-discovery.ts';
import type { Candidate } from '../../../operations/setup/mirror-candidates.ts';
import { CommandSession } from '../../command-session.ts';
import type { CommandContext } from '../../command.ts';
import { counted } from '../../output.ts';
import { Cancelled, type Interview } from './interview.ts';

/** Tables that are shown at a time. */
const SHOWN = 12;
const TYPED = 'typed';
const EXAMPLE = 'https://contoso.crm.dynamics.com';

/** Asks a person at the terminal. Options of the command line are suggested. */
export function askAtTerminal(context: CommandContext): Interview {
  const { config, options, signal } = context;
  const given = (name: string): string | undefined => {
    const value = options[name];
    return typeof value === 'string' ? value : undefined;
  };
  const suggested = { url: given('url') ?? config.dataverse?.url, database: given('database') };
  intro('mirrorverse: set up a mirror', { output: process.stdout });
  return {
    async overwrite(files) {
      if (options['force'] === true) return true;
      const message = `${files.join(' and ')} will be overwritten. Go on?`;
      return answered(await confirm({ message, initialValue: false, signal }));
    },
    async access() {
      const auth = await askAuth(context, given('auth'));
      const found = auth === 'azure-cli' && suggested.url === undefined ? await discover(context) : [];
      const url = await askEnvironment(found, suggested.url, signal);
      return { DATAVERSE_URL: url, ...(auth === undefined ? {} : { MIRRORVERSE_AUTH: auth }) };
    },
    again({ message, remedy }) {
      log.error(`${message}\n${remedy}`);
      return true;
    },
    tables: async (candidates) => askTables(candidates, given('tables'), signal),
    database: async () => askDatabase(suggested.database, config.postgres?.url, signal),
    end: () => outro('That was all.'),
  };
}

/** @throws Cancelled if the person pressed Ctrl-C. */
function answered<T>(answer: T): Exclude<T, symbol> {
  if (isCancel(answer)) throw new Cancelled();
  return answer as Exclude<T, symbol>;
}

/** @returns a method; undefined if the variables decide. */
async function askAuth(
  { config, signal }: CommandContext,
  given: string | undefined,
): Promise<string | undefined> {
  // With an address, the configuration also tells what the variables mean.
  const { method } = configOfAnswers({ DATAVERSE_URL: EXAMPLE }, {}).dataverse?.signIn ?? {
    method: 'default',
  };
  const auth = answered(
    await select({
      message: 'How do you sign in?',
      options: [
        method === 'default'
          ? { value: 'default', label: 'Default of Azure', hint: 'no AZURE_* variables are set' }
          : { value: 'default', label: 'As the variables say', hint: method },
        { value: 'azure-cli', label: 'Azure CLI', hint: 'you have called az login' },
        { value: 'browser', label: 'Browser', hint: 'for a first look' },
        { value: 'device-code', label: 'Device code', hint: 'for a first look; many tenants forbid it' },
      ],
      initialValue:
        given ?? (method === 'default' && config.dataverse === undefined ? 'azure-cli' : 'default'),
      signal,
    }),
  );
  return auth === 'default' ? undefined : auth;
}

/** Environments of the person who is signed in to the Azure CLI; none if the service does not tell. */
async function discover(context: CommandContext): Promise<FoundEnvironment[]> {
  const { signal } = context;
  log.step('Looking for your environments …');
  const config = configOfAnswers(
    { DATAVERSE_URL: DISCOVERY, MIRRORVERSE_AUTH: 'azure-cli' },
    { dataverse: true },
  );
  try {
    return await CommandSession.use({ ...context, config }, async (session) =>
      discoverEnvironments(session.dataverse().client, signal),
    );
  } catch (error) {
    signal.throwIfAborted();
    log.warn(`They were not found. ${toFailure(error).message}`);
    return [];
  }
}

async function askEnvironment(
  found: readonly FoundEnvironment[],
  suggested: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  if (found.length > 0) {
    const chosen = answered(
      await select({
        message: 'Which environment?',
        options: [
          ...found.map(({ url, name }) => ({ value: url, label: name, hint: url })),
          { value: TYPED, label: 'Another one', hint: 'type its address' },
        ],
        maxItems: SHOWN,
        signal,
      }),
    );
    if (chosen !== TYPED) return chosen;
  }
  return answered(
    await text({
      message: 'Address of the environment?',
      placeholder: EXAMPLE,
      ...(suggested === undefined ? {} : { initialValue: suggested }),
      validate: (value = '') =>
        problemOf({ DATAVERSE_URL: value }) ?? (value === '' ? 'is needed' : undefined),
      signal,
    }),
  );
}

async function askTables(
  candidates: readonly Candidate[],
  given: string | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  const tracked = candidates.filter(({ isTracked }) => isTracked);
  const wanted = given?.split(',').map((name) => name.trim());
  return answered(
    await autocompleteMultiselect({
      message: `Which tables? (${counted(tracked.length, 'table')} with change tracking; type to search)`,
      options: tracked.map(({ name, rows }) => ({
        value: name,
        label: rows === null ? name : `${name} (${counted(rows, 'row')})`,
      })),
      initialValues: tracked
        .filter(({ name, isUsual, rows }) => wanted?.includes(name) ?? (isUsual && rows !== 0))
        .map(({ name }) => name),
      maxItems: SHOWN,
      required: true,
      signal,
    }),
  );
}

async function askDatabase(
  suggested: string | undefined,
  fromVariable: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const chosen = answered(
    await select({
      message: 'Where is the PostgreSQL database?',
      options: [
        ...(fromVariable === undefined ? [] : [{ value: fromVariable, label: 'As DATABASE_URL says' }]),
        {
          value: 'embedded',
          label: 'Bundled with mirrorverse',
          hint: 'under .mirrorverse/, for a first look',
        },
        { value: TYPED, label: 'A server', hint: 'type its address' },
      ],
      ...(suggested === undefined ? {} : { initialValue: suggested === 'embedded' ? suggested : TYPED }),
      signal,
    }),
  );
  if (chosen !== TYPED) return chosen;
  const typed = answered(
    await text({
      message: 'Address of the database?',
      placeholder: 'postgres://mirror@db.example.com/crm',
      ...(suggested === undefined || suggested === 'embedded' ? {} : { initialValue: suggested }),
      validate: (value = '') =>
        problemOf({ DATABASE_URL: value }) ?? (value === '' ? 'is needed' : undefined),
      signal,
    }),
  );
  const address = parseAddress(typed);
  if (address === undefined || address.username === '' || addressPassword(address) !== undefined)
    return typed;
  const message = `Password of ${decodeURIComponent(address.username)}? (no file gets it; empty if there is none)`;
  const secret = answered(await password({ message, signal })) ?? '';
  return secret === '' ? typed : typed.replace('@', `:${encodeURIComponent(secret)}@`);
}

/** What is wrong with an answer, in the words of the configuration. */
function problemOf(answers: Answers): string | undefined {
  try {
    configOfAnswers(answers, {});
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error.problems[0]?.message;
    throw error;
  }
}
