import { isLoopback } from '../model/loopback.ts';
import { ConfigError, type Config, type ConfigProblem } from './config.ts';
import { milliseconds } from './duration.ts';
import { overlay } from './file/overlay.ts';
import { DEFAULT_FILE, NO_FILE, readFileSettings, type Variables } from './file/file-settings.ts';
import { ofTable, placed } from './file/problem-places.ts';
import { checkedSettings } from './file/schema-problems.ts';
import { auditFrom } from './downstream/audit-settings.ts';
import { filesFrom } from './downstream/file-wishes.ts';
import { feedFrom } from './downstream/feed-settings.ts';
import { checkHistory } from './downstream/history-settings.ts';
import { distributionOf } from './scale/distribution-settings.ts';
import { logProblems, logSettings } from './log-settings.ts';
import { postgresFrom } from './postgres-settings.ts';
import { proxyFrom } from './proxy-variables.ts';
import { withSecretFiles } from './secrets.ts';
import { addMissing } from './missing.ts';
import { nudgeFrom } from './nudge/nudge-settings.ts';
import type { Settings } from './settings.ts';
import { signInFrom } from './sign-in-settings.ts';
import { hashKeyFrom, leftOutFrom, tablesFrom } from './table-settings.ts';
import { viewsFrom } from './view-settings.ts';
import { webhooksFrom } from './downstream/webhook-settings.ts';

/** The parts of the configuration that a command needs. */
export interface Needs {
  readonly dataverse?: boolean;
  readonly postgres?: boolean;
  readonly tables?: boolean;
}

/** Milliseconds. A longer request would take all the execution time of five minutes. */
const LONGEST_REQUEST = 1_200_000;
/** Bytes. */
const SMALLEST_PAGE = 64 * 1024;
const LARGEST_PAGE = 256 * 1024 * 1024;

/**
 * The configuration from file and variables, checked as a whole.
 *
 * @param file the file named on the command line; null if variables alone count.
 * @throws ConfigError with every problem.
 */
export function loadConfig(
  file: string | undefined | null,
  needs: Needs,
  environment: Variables = process.env,
): Config {
  const problems = logProblems(environment);
  const variables = withSecretFiles(environment, problems);
  const fromFile =
    file === null ? NO_FILE : readFileSettings(file ?? variables['MIRRORVERSE_CONFIG'], variables, problems);
  if (fromFile === undefined) throw new ConfigError(problems);
  const tree = overlay(fromFile.tree, variables);
  const settings = checkedSettings(tree, problems);
  const config = toConfig(settings, variables, needs, problems);
  if (problems.length > 0) {
    const told = withoutConsequences(problems).map((problem) => ofTable(problem, tree));
    throw new ConfigError(
      inOrder(told.map((problem) => placed(problem, fromFile, variables))),
      file !== null && fromFile === NO_FILE && problems.some(({ isMissing }) => isMissing)
        ? WRITE_ONE
        : undefined,
    );
  }
  return deepFreeze(config);
}

const WRITE_ONE = `There is no ${DEFAULT_FILE} in this folder; \`mirrorverse init\` writes one.`;

/** A value with a variable that is not set would also break the rules of its key. That is no second mistake. */
function withoutConsequences(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const unset = new Set(problems.filter(({ isUnset }) => isUnset).map(({ key }) => key));
  return problems.filter(({ key, isUnset }) => isUnset === true || !unset.has(key));
}

/** Problems in the order of the file; those without a place come last. */
function inOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const { MAX_SAFE_INTEGER: last } = Number;
  return problems.toSorted(
    (a, b) => (a.line ?? last) - (b.line ?? last) || (a.column ?? last) - (b.column ?? last),
  );
}

function toConfig(settings: Settings, variables: Variables, needs: Needs, problems: ConfigProblem[]): Config {
  const schema = settings.postgres?.schema ?? 'dataverse';
  const stateSchema = settings.postgres?.stateSchema ?? 'mirrorverse';
  if (schema === stateSchema) {
    problems.push({ key: 'postgres.stateSchema', message: 'must differ from postgres.schema' });
  }
  const needsProxy =
    needs.dataverse === true || (needs.postgres === true && settings.postgres?.auth === 'entra');
  const lease = milliseconds(settings.lease ?? '30s');
  if (lease < 1_000) problems.push({ key: 'lease', message: 'must be at least 1s' });
  const { limits } = settings;
  const requestTimeout = milliseconds(limits?.requestTimeout ?? '120s');
  if (requestTimeout < 100 || requestTimeout > LONGEST_REQUEST) {
    problems.push({ key: 'limits.requestTimeout', message: 'must be between 100ms and 20m' });
  }
  const pageBytes = bytes(limits?.pageBytes ?? '64MiB');
  if (pageBytes < SMALLEST_PAGE || pageBytes > LARGEST_PAGE) {
    problems.push({ key: 'limits.pageBytes', message: 'must be between 64KiB and 256MiB' });
  }
  const memory = bytes(limits?.memory ?? '256MiB');
  if (memory < pageBytes) {
    problems.push({ key: 'limits.memory', message: 'must not be less than limits.pageBytes' });
  }
  const views = viewsFrom(settings, { mirror: schema, state: stateSchema }, problems);
  const { labels, compatibility } = views;
  const others = [stateSchema, labels?.schema, compatibility.synapseLink, compatibility.fivetran];
  checkHistory(settings, { history: `${schema}_history`, others }, problems);
  return {
    dataverse: dataverseFrom(settings, variables, needs, problems),
    proxy: needsProxy ? proxyFrom(variables, problems) : undefined,
    postgres: postgresFrom(settings, variables, needs, problems),
    schema,
    stateSchema,
    ...distributionOf(settings, problems),
    lease,
    limits: {
      requestsPer5Minutes: limits?.requestsPer5Minutes ?? 6_000,
      requestsPerDay: limits?.requestsPerDay,
      concurrency: limits?.concurrency ?? 8,
      pageSize: limits?.pageSize ?? 5_000,
      pageBytes,
      memory,
      tables: limits?.tables ?? 8,
      requestTimeout,
    },
    health: { host: settings.health?.host ?? '127.0.0.1', port: settings.health?.port },
    apiToken: variables['MIRRORVERSE_API_TOKEN'],
    ...views,
    drift: {
      columnAdded: settings.drift?.columnAdded ?? 'apply',
      columnRemoved: settings.drift?.columnRemoved ?? 'apply',
      columnRetyped: settings.drift?.columnRetyped ?? 'apply',
    },
    quarantine: {
      nul: settings.quarantine?.nul ?? 'quarantine',
      maxShare: settings.quarantine?.maxShare ?? 0.1,
    },
    sweep: { maxShare: settings.sweep?.maxShare ?? 0.2, atLeast: settings.sweep?.atLeast ?? 1_000 },
    verify: verifyFrom(settings.verify, problems),
    feed: feedFrom(settings, problems),
    audit: auditFrom(settings, problems),
    webhooks: webhooksFrom(settings, variables, needs.tables === true, problems),
    nudge: nudgeFrom(settings, variables, needs.tables === true, problems),
    files: filesFrom(settings, variables, needs.tables === true, problems),
    logLevel: logSettings(variables).level ?? settings.log?.level ?? 'info',
    reload: settings.reload ?? 'watch',
    hashKey: hashKeyFrom(settings, variables, needs.tables === true, problems),
    tables: tablesFrom(settings, needs.tables === true, problems),
    leftOut: leftOutFrom(settings),
  };
}

function dataverseFrom(
  settings: Settings,
  variables: Variables,
  needs: Needs,
  problems: ConfigProblem[],
): Config['dataverse'] {
  const url = settings.dataverse?.url;
  if (url === undefined) {
    if (needs.dataverse === true) {
      addMissing(problems, 'dataverse.url', 'set it or DATAVERSE_URL');
    }
    return undefined;
  }
  const problem = originProblem(url);
  if (problem !== undefined) problems.push({ key: 'dataverse.url', message: problem });
  // A command that makes no request does not need credentials.
  const found: ConfigProblem[] = [];
  const { auth = 'default', apiVersion: version, resource } = settings.dataverse ?? {};
  const signIn = signInFrom(auth, variables, found, resource);
  if (needs.dataverse === true) problems.push(...found);
  const apiVersion = version === undefined ? undefined : `v${version.replace('v', '')}`;
  return { url, apiVersion, signIn };
}

function originProblem(text: string): string | undefined {
  const example = 'https://contoso.crm.dynamics.com';
  if (!URL.canParse(text)) return `must be an address like ${example}`;
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    return 'must begin with https: (http: is for loopback addresses only)';
  }
  if (url.username !== '' || url.password !== '') return 'must not contain a user or a password';
  if (!mayHavePath(url) || url.search !== '' || url.hash !== '') {
    return `must be the address of the environment alone, like ${example}`;
  }
  return undefined;
}

/** On premises, the address of an environment may end with the name of its organization. */
function mayHavePath({ hostname, pathname }: URL): boolean {
  if (pathname === '/') return true;
  const isCloud = /\.(?:dynamics\.com|microsoftdynamics\.\w+|appsplatform\.us|dynamics\.cn)$/i.test(hostname);
  return !isCloud && /^\/[\w-]+\/?$/.test(pathname) && !/^\/api\/?$/i.test(pathname);
}

function verifyFrom(verify: Settings['verify'], problems: ConfigProblem[]): Config['verify'] {
  if (verify === false) return undefined;
  const every = milliseconds(verify?.every ?? '24h');
  const values = verify?.values === false ? undefined : milliseconds(verify?.values ?? '30d');
  const share = Number.parseFloat(verify?.share ?? '5%') / 100;
  if (share <= 0 || share > 1) {
    problems.push({ key: 'verify.share', message: 'must be above 0% and at most 100%' });
  }
  for (const [key, time] of Object.entries({ every, values })) {
    if (time === 0) problems.push({ key: `verify.${key}`, message: 'must be longer than nothing' });
  }
  return { every, share, values, repair: verify?.repair ?? 'report' };
}

const BINARY: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

function bytes(size: string): number {
  const [, amount, unit] = /^([\d.]+)(KiB|MiB|GiB)$/.exec(size) ?? [];
  return Math.round(Number(amount) * (BINARY[unit ?? ''] ?? Number.NaN));
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) deepFreeze(member);
    Object.freeze(value);
  }
  return value;
}
