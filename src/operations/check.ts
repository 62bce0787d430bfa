import type pg from 'pg';
import type { Dataverse } from '../dataverse/dataverse.ts';
import { readEnvironment, readOrganization } from '../dataverse/environment.ts';
import { probeTable } from '../dataverse/change-tracking.ts';
import { readEnvironmentRecord } from '../mirror/state/environments.ts';
import { stateExists } from '../mirror/state/migrate.ts';
import { missingGrants, serverVersion } from '../mirror/grants.ts';
import { Failure, toFailure } from '../model/failure.ts';
import { requestsPer5Minutes } from './request-rate.ts';

/** One thing that was proved or found wanting; an entry of what `check --json` prints. */
export interface Finding {
  readonly id: string;
  readonly ok: boolean;
  readonly subject: string;
  readonly message: string;
  /** What to do; null where nothing is wrong. */
  readonly remedy: string | null;
  /** The code of the failure that a run would report. */
  readonly code?: string;
}

export interface CheckOptions {
  readonly pool: () => Promise<pg.Pool>;
  readonly dataverse: Dataverse;
  readonly schema: string;
  readonly stateSchema: string;
  readonly requestsPer5Minutes: number;
  readonly tables: readonly { readonly name: string; readonly cron: string }[];
}

/** Oldest PostgreSQL that is supported by its makers. */
const OLDEST_POSTGRES = 14;

/**
 * Tries everything a run needs, in both directions, and tells all that is wrong at once. Nothing is
 * changed anywhere. What cannot be tried because something before it failed is left out.
 */
export async function checkSetUp(options: CheckOptions, signal: AbortSignal): Promise<Finding[]> {
  const [postgres, dataverse] = await Promise.all([checkPostgres(options), checkDataverse(options, signal)]);
  return [good('config', 'configuration', 'complete and valid'), ...postgres, ...dataverse];
}

async function checkPostgres(options: CheckOptions): Promise<Finding[]> {
  const subject = 'PostgreSQL';
  try {
    const pool = await options.pool();
    const version = await serverVersion(pool);
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
    const missing = await missingGrants(pool, [options.schema, options.stateSchema]);
    findings.push(
      missing.length === 0
        ? good('postgres.grants', subject, `may create ${options.schema} and ${options.stateSchema}`)
        : bad(
            'postgres.grants',
            subject,
            `may not create what it needs in ${missing.map((grant) => grant.schema).join(' and ')}`,
            `Run as an administrator: ${missing.map((grant) => grant.statement).join(' ')}`,
            'grant-missing',
          ),
    );
    return findings;
  } catch (error) {
    return [failed('postgres.connect', subject, error)];
  }
}

async function checkDataverse(options: CheckOptions, signal: AbortSignal): Promise<Finding[]> {
  const { client } = options.dataverse;
  const subject = client.origin;
  const findings: Finding[] = [];
  let organizationId: string;
  try {
    ({ organizationId } = await readEnvironment(client, signal));
    findings.push(good('dataverse.sign-in', subject, `signed in to organization ${organizationId}`));
  } catch (error) {
    signal.throwIfAborted();
    return [failed('dataverse.sign-in', subject, error)];
  }
  findings.push(...(await checkIdentity(options, organizationId)));
  findings.push(await checkLinkLife(options, signal));
  findings.push(checkRate(options));
  const tables = await Promise.all(
    options.tables.map(async (table) => checkTable(options, table.name, signal)),
  );
  return [...findings, ...tables];
}

/** Whether the mirror schema holds this organization, or none yet. */
async function checkIdentity(options: CheckOptions, organizationId: string): Promise<Finding[]> {
  const { schema, stateSchema } = options;
  try {
    const pool = await options.pool();
    if (!(await stateExists(pool, stateSchema))) return [];
    const held = await readEnvironmentRecord(pool, stateSchema, schema);
    if (held === undefined || held.organizationId === organizationId) return [];
    const message = `schema ${schema} mirrors another organization, ${held.organizationId} (${held.url})`;
    const remedy = 'Set postgres.schema (MIRRORVERSE_SCHEMA) to a schema for this one.';
    return [
      bad('environment.identity', options.dataverse.client.origin, message, remedy, 'environment-changed'),
    ];
  } catch {
    // The database's own finding says what is wrong with it.
    return [];
  }
}

async function checkLinkLife(options: CheckOptions, signal: AbortSignal): Promise<Finding> {
  const id = 'dataverse.link-life';
  const subject = options.dataverse.client.origin;
  try {
    const { linkLifeDays: days } = await readOrganization(options.dataverse.client, signal);
    if (days === undefined)
      return good(id, subject, 'how long delta links live is not readable; 7 days is usual');
    return days >= 1
      ? good(id, subject, `delta links live ${days} day(s)`)
      : bad(
          id,
          subject,
          'delta links expire at once',
          "Set the organization's expirechangetrackingindays to 7 or more.",
        );
  } catch (error) {
    return failed(id, subject, error);
  }
}

function checkRate(options: CheckOptions): Finding {
  const id = 'limits.requests';
  const subject = 'limits.requestsPer5Minutes';
  const needed = requestsPer5Minutes(options.tables.map((table) => table.cron));
  const limit = options.requestsPer5Minutes;
  return needed <= limit
    ? good(id, subject, `idle tables need ${needed} of ${limit} requests${parallelism(options)}`)
    : bad(
        id,
        subject,
        `idle tables alone need ${needed} requests, but ${limit} are allowed`,
        'Give tables a slower schedule.',
      );
}

function parallelism(options: CheckOptions): string {
  const hint = options.dataverse.budget.gauges.parallelismHint;
  return hint === undefined ? '' : `; the environment recommends up to ${hint} in parallel`;
}

async function checkTable(options: CheckOptions, name: string, signal: AbortSignal): Promise<Finding> {
  const id = `table.${name}`;
  const subject = `table ${name}`;
  try {
    const table = await options.dataverse.metadata.table(name, signal);
    await probeTable(options.dataverse, table, signal);
    return good(id, subject, `readable by change tracking, ${table.columns.length} columns`);
  } catch (error) {
    signal.throwIfAborted();
    return failed(id, subject, error);
  }
}

function good(id: string, subject: string, message: string): Finding {
  return { id, ok: true, subject, message, remedy: null };
}

function bad(id: string, subject: string, message: string, remedy: string, code?: string): Finding {
  return { id, ok: false, subject, message, remedy, ...(code === undefined ? {} : { code }) };
}

function failed(id: string, subject: string, error: unknown): Finding {
  const failure = error instanceof Failure ? error : toFailure(error);
  return bad(id, subject, failure.message, failure.remedy, failure.code);
}
