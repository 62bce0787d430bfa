import type { Dataverse } from '../../dataverse/dataverse.ts';
import type { ProxySettings } from '../../dataverse/network/proxy-settings.ts';
import { placeName, type FilePlace } from '../../model/files/file-place.ts';
import { readEnvironment, readOrganization } from '../../dataverse/metadata/environment.ts';
import { readDatabaseFacts, type MirrorDatabase } from '../../mirror/database.ts';
import { findState } from '../../mirror/state/environments.ts';
import { describeFilter, inTheWay, rowSecurity, type RowFilter } from '../../mirror/page/swallowed-rows.ts';
import { remedyFor } from '../../mirror/connection/grants.ts';
import { createBodyStore } from '../../sync/files/store/create-body-store.ts';
import { hasPatterns, readResolution } from '../../sync/tables/read-resolution.ts';
import type { Resolution, TableChoice } from '../../sync/tables/table-resolution.ts';
import { checkAudit } from './check-audit.ts';
import { checkPatterns } from './check-patterns.ts';
import { checkSchedules, requestsPer5Minutes } from './check-schedules.ts';
import { checkSettings } from './check-settings.ts';
import { checkTable, type CheckedTable } from './check-table.ts';
import { Failure } from '../../model/failure.ts';
import { bad, failed, good, type Finding } from './finding.ts';

export interface CheckOptions {
  readonly database: () => Promise<MirrorDatabase>;
  readonly dataverse: Dataverse;
  readonly requestsPer5Minutes: number;
  /** The mirror tables are to be distributed over the nodes of a Citus cluster. */
  readonly isDistributed?: boolean;
  /** Schemas of the views and histories that a run makes beside the mirror. */
  readonly moreSchemas: readonly string[];
  readonly choice: TableChoice<CheckedTable>;
  /** The tables whose audit rows are to have details. */
  readonly auditDetails?: readonly string[] | undefined;
  /** Identifies the hash key in use. */
  readonly hashKeyId: string | undefined;
  /** Where bodies of files go; undefined if no table wants any. */
  readonly files?: FilePlace | undefined;
  /** The proxy for a bucket. */
  readonly proxy?: ProxySettings | undefined;
}

/** The oldest PostgreSQL that has NULLS NOT DISTINCT. */
const OLDEST_POSTGRES = 15;

/**
 * Tries everything that a run needs, in Dataverse and in PostgreSQL, and reports all problems at once. It
 * changes nothing. It leaves out what cannot be tried because an earlier step failed.
 */
export async function checkSetUp(options: CheckOptions, signal: AbortSignal): Promise<Finding[]> {
  const [postgres, dataverse, files] = await Promise.all([
    checkPostgres(options),
    checkDataverse(options, signal),
    checkFiles(options, signal),
  ]);
  return [good('config', 'configuration', 'complete and valid'), ...postgres, ...dataverse, ...files];
}

/** Stores a small body, and removes it. */
async function checkFiles({ files: place, proxy }: CheckOptions, signal: AbortSignal): Promise<Finding[]> {
  if (place === undefined) return [];
  const store = createBodyStore(place, proxy);
  try {
    const failure = await store.probe(signal);
    const subject = 'files.to';
    if (failure !== undefined) return [failed('files', subject, failure)];
    return [good('files', subject, `bodies can be stored in ${placeName(place)}`)];
  } finally {
    store.close();
  }
}

async function checkPostgres(options: CheckOptions): Promise<Finding[]> {
  const subject = 'PostgreSQL';
  try {
    const database = await options.database();
    const facts = await readDatabaseFacts(database, options.moreSchemas);
    const { version, missingGrants: missing } = facts;
    const findings = [
      version >= OLDEST_POSTGRES
        ? good('postgres.connect', subject, `version ${version} answers`)
        : bad(
            'postgres.connect',
            subject,
            `version ${version} is too old`,
            `Use PostgreSQL ${OLDEST_POSTGRES} or later.`,
          ),
    ];
    if (options.isDistributed === true) findings.push(citusFinding(facts.distribution));
    if (facts.isBehindPooler) {
      const message = 'a connection pooler in session or transaction mode stands before the server';
      findings.push(good('postgres.pooler', subject, message));
    }
    const schemas = [...new Set([database.schema, database.stateSchema, ...options.moreSchemas])];
    findings.push(
      missing.length === 0
        ? good('postgres.grants', subject, `the role may create what it needs in ${schemas.join(', ')}`)
        : bad(
            'postgres.grants',
            subject,
            `the role may not create what it needs in ${missing.map((grant) => grant.on).join(', ')}`,
            remedyFor(missing),
            'grant-missing',
          ),
    );
    if (facts.encoding !== null) findings.push(failed('postgres.encoding', subject, facts.encoding));
    findings.push(...facts.rowFilters.map(rowFilterFinding), ...(await checkState(database)));
    return findings;
  } catch (error) {
    const isUnfit = error instanceof Failure && error.code === 'engine-unfit';
    return [failed(isUnfit ? 'postgres.engine' : 'postgres.connect', subject, error)];
  }
}

function citusFinding(failure: Failure | null): Finding {
  const id = 'postgres.citus';
  const subject = 'postgres.distribution';
  return failure === null
    ? good(id, subject, 'the database has the functions of Citus')
    : failed(id, subject, failure);
}

/** A policy, rule or trigger of others that hides rows of the mirror or the state, or prevents writes. */
function rowFilterFinding(filter: RowFilter): Finding {
  const subject = `${filter.schema}.${filter.table}`;
  if (filter.kind === 'policies') return failed('postgres.row-security', subject, rowSecurity(filter));
  if (filter.kind === 'rule') return failed('postgres.rules', subject, inTheWay(filter));
  // Most such triggers let every row through, so this is no problem yet.
  const message = `has ${describeFilter(filter)}: if it drops or undoes a row, the table stops and no row is lost`;
  return good('postgres.triggers', subject, message);
}

/** Checks that this version may use the state schema. An earlier version of the schema is no finding, because a run migrates it. */
async function checkState(database: MirrorDatabase): Promise<Finding[]> {
  try {
    return await checkSettings(database);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'state-newer') return [];
    return [failed('postgres.state', 'PostgreSQL', error)];
  }
}

async function checkDataverse(options: CheckOptions, signal: AbortSignal): Promise<Finding[]> {
  const { client } = options.dataverse;
  const subject = client.origin;
  const findings: Finding[] = [];
  let organizationId: string;
  try {
    ({ organizationId } = await readEnvironment(client, signal));
    const { proxy } = options.dataverse;
    const by = proxy === undefined ? '' : ` by the proxy ${proxy}`;
    findings.push(good('dataverse.sign-in', subject, `signed in to organization ${organizationId}${by}`));
  } catch (error) {
    signal.throwIfAborted();
    return [failed('dataverse.sign-in', subject, error)];
  }
  findings.push(...(await checkIdentity(options, organizationId)));
  const life = await checkLinkLife(options, signal);
  return [...findings, life.finding, ...(await checkTables(options, life.days, signal))];
}

/** Checks every table that the configured names and patterns mean in this environment. */
async function checkTables(
  options: CheckOptions,
  linkLifeDays: number | undefined,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { dataverse, choice, hashKeyId } = options;
  let resolution: Resolution<CheckedTable>;
  let names: readonly string[] = [];
  try {
    resolution = await readResolution(dataverse, choice, signal);
    if (resolution.idlePatterns.length > 0) names = await tableNames(dataverse, signal);
  } catch (error) {
    signal.throwIfAborted();
    return [failed('tables', 'tables', error)];
  }
  const findings = [checkRate(options, resolution.tables)];
  if (hasPatterns(choice)) findings.unshift(...checkPatterns(resolution, names));
  const database = await options.database().catch(() => undefined);
  const tables = await Promise.all(
    resolution.tables.map(async (table) => checkTable(dataverse, table, hashKeyId, database, signal)),
  );
  const { auditDetails } = options;
  const audit =
    auditDetails === undefined ? [] : await checkAudit(dataverse, auditDetails, resolution.tables, signal);
  return [...findings, ...tables.flat(), ...audit, ...checkSchedules(resolution.tables, linkLifeDays)];
}

async function tableNames(dataverse: Dataverse, signal: AbortSignal): Promise<string[]> {
  return (await dataverse.metadata.tables(signal)).map(({ LogicalName }) => LogicalName);
}

/** Checks that the mirror schema holds this organization or none. */
async function checkIdentity(options: CheckOptions, organizationId: string): Promise<Finding[]> {
  const { origin } = options.dataverse.client;
  try {
    const database = await options.database();
    const held = (await findState(database))?.environment;
    if (held === undefined || held.organizationId === organizationId) return [];
    if (held.url === origin) {
      const message = `is not the organization that was mirrored so far (${held.organizationId}); every table will be re-baselined`;
      return [good('environment.identity', origin, message)];
    }
    const message = `schema ${database.schema} mirrors another organization, ${held.organizationId} (${held.url})`;
    const remedy = 'Set postgres.schema (MIRRORVERSE_SCHEMA) to another schema for this organization.';
    return [bad('environment.identity', origin, message, remedy, 'environment-changed')];
  } catch {
    // Another finding says what is wrong with the database.
    return [];
  }
}

/** How long delta links live; `days` is undefined if the environment does not tell. */
async function checkLinkLife(
  options: CheckOptions,
  signal: AbortSignal,
): Promise<{ readonly finding: Finding; readonly days?: number }> {
  const id = 'dataverse.link-life';
  const subject = options.dataverse.client.origin;
  try {
    const { linkLifeDays: days } = await readOrganization(options.dataverse.client, signal);
    if (days === undefined)
      return { finding: good(id, subject, 'the environment does not tell how long delta links live') };
    if (days >= 1)
      return { finding: good(id, subject, `delta links live ${days} ${days === 1 ? 'day' : 'days'}`), days };
    const remedy = "Set the organization's expirechangetrackingindays to 7 or more.";
    return { finding: bad(id, subject, 'delta links expire at once', remedy), days };
  } catch (error) {
    return { finding: failed(id, subject, error) };
  }
}

function checkRate(options: CheckOptions, tables: readonly CheckedTable[]): Finding {
  const id = 'limits.requests';
  const subject = 'limits.requestsPer5Minutes';
  const needed = requestsPer5Minutes(tables.map((table) => table.schedule));
  const limit = options.requestsPer5Minutes;
  return needed <= limit
    ? good(id, subject, `idle tables need ${needed} of ${limit} requests in 5 minutes${parallelism(options)}`)
    : bad(
        id,
        subject,
        `idle tables alone need ${needed} requests in 5 minutes, but ${limit} are allowed`,
        'Give tables a slower schedule.',
      );
}

function parallelism(options: CheckOptions): string {
  const hint = options.dataverse.budget.gauges.parallelismHint;
  return hint === undefined ? '' : `; the environment recommends up to ${hint} in parallel`;
}
