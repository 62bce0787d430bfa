import type { Logger } from 'pino';
import { z } from 'zod';
import { Failure } from '../model/failure.ts';
import type { Column, Table } from '../model/table.ts';
import { createChangeGate } from './change-gate.ts';
import { unexpectedAnswer } from './answer-failure.ts';
import type { DataverseClient, Request } from './client.ts';
import { columnsOf } from './columns.ts';
import { readCsdl, type TypeProperties } from './csdl.ts';
import { createSharedRead, type SharedRead } from './shared-read.ts';
import {
  attributeDefinition,
  ATTRIBUTE_SELECT,
  dateTimeDetail,
  ENTITY_SELECT,
  entityDefinition,
  labelText,
  lookupDetail,
  type EntityDefinition,
} from './table-definition.ts';

/** What the environment says about its tables. */
export interface Metadata {
  /** Every table of the environment. */
  tables(signal: AbortSignal): Promise<readonly EntityDefinition[]>;
  /**
   * A table with its columns, those on request among them.
   *
   * @param mode a snapshot needs no row versions, so it can be had of virtual tables too.
   * @throws Failure `table-not-found`, `not-mirrorable`.
   */
  table(logicalName: string, signal: AbortSignal, mode?: 'changes' | 'snapshot'): Promise<Table>;
  /** A table as `table` would give it without asking the environment; undefined where it would ask. */
  known(logicalName: string): Table | undefined;
  /**
   * Takes note of the environment's metadata version, which came with some answer: what was read under
   * an older one is read anew at its next use; while it changes without a rest, every half minute. An
   * older version than the last is that of a server that lags behind.
   */
  observe(version: string): void;
  /**
   * How metadata is to be read now: soon after a change past the servers' caches, or what was there
   * before would be kept under the new version.
   */
  readonly consistency: Pick<Request, 'consistency'>;
  /** The metadata version last seen; undefined where the environment does not tell. */
  readonly version: string | undefined;
  /** Calls `listener` each time the environment's metadata version has changed, until the signal. */
  onChange(listener: () => void, signal: AbortSignal): void;
  /** Reads everything anew at its next use; or, with a name, that table and the list of tables. */
  forget(logicalName?: string): void;
  /** Forgets everything, the version too: the environment has gone back in time. */
  restart(): void;
}

/**
 * Reads metadata by need and keeps it as long as the object lives: the list of tables and the CSDL
 * once, a table's attributes at its first use.
 */
export function createMetadata(client: DataverseClient, logger: Logger): Metadata {
  const definitions = createSharedRead(async (signal) => {
    const url = `EntityDefinitions?$select=${ENTITY_SELECT.join(',')}`;
    const found = await list(url, entityDefinition, signal);
    // Every environment has tables: none at all would mean that all have been removed.
    if (found.length === 0) throw noDefinitions(url);
    return found;
  });
  const csdl = createSharedRead(readDeclared);
  const known = new Map<string, SharedRead<Table>>();
  let version: string | undefined;
  let changedAt = Number.NEGATIVE_INFINITY;
  const changes = new EventTarget();

  const consistency = (): Pick<Request, 'consistency'> =>
    performance.now() - changedAt < CACHED ? { consistency: 'Strong' } : {};

  async function list<T>(url: string, item: z.ZodType<T>, signal: AbortSignal, table?: string): Promise<T[]> {
    const about = table === undefined ? {} : { table };
    const request = { url, priority: 'metadata' as const, ...about, ...consistency() };
    const parsed = z.object({ value: z.array(item) }).safeParse(await client.getJson(request, signal));
    if (parsed.success) return parsed.data.value;
    throw new Failure({
      code: 'unexpected-answer',
      reaction: 'stop-table',
      message: `Metadata came in an unknown shape: ${z.prettifyError(parsed.error)}`,
      remedy: 'This environment describes its tables in a way mirrorverse does not know; please report it.',
      cause: parsed.error,
      details: { url },
    });
  }

  /** What the CSDL declares; undefined where the environment refuses to show it. */
  async function readDeclared(signal: AbortSignal): Promise<TypeProperties | undefined> {
    const request = { url: '$metadata', priority: 'metadata' as const, accept: 'application/xml' };
    try {
      return await client.get({ ...request, ...consistency() }, signal, ({ body, headers }) =>
        declaredIn(new TextDecoder().decode(body), request, headers),
      );
    } catch (error) {
      // Of anything else, such as a refused token, nothing follows: tables would lose columns by it.
      if (!(error instanceof Failure) || !REFUSALS.has(error.code)) throw error;
      logger.warn({ code: error.code }, 'The $metadata document is not available; attribute flags decide.');
      return undefined;
    }
  }

  async function describe(logicalName: string, signal: AbortSignal): Promise<Table> {
    const definition = (await tables(signal)).find(isNamed(logicalName));
    if (definition === undefined) throw tableNotFound(logicalName, await tables(signal));
    const mirrorable = checkReadable(definition);
    const path = `EntityDefinitions(LogicalName='${encodeURIComponent(logicalName)}')/Attributes`;
    const cast = `${path}/Microsoft.Dynamics.CRM`;
    const [attributes, lookups, dates, declared] = await Promise.all([
      list(`${path}?$select=${ATTRIBUTE_SELECT.join(',')}`, attributeDefinition, signal, logicalName),
      list(`${cast}.LookupAttributeMetadata?$select=LogicalName,Targets`, lookupDetail, signal, logicalName),
      list(
        `${cast}.DateTimeAttributeMetadata?$select=LogicalName,DateTimeBehavior`,
        dateTimeDetail,
        signal,
        logicalName,
      ),
      csdl.get(signal),
    ]);
    const columns = columnsOf(
      logicalName,
      attributes,
      {
        targets: new Map(lookups.map((lookup) => [lookup.LogicalName, lookup.Targets ?? []])),
        behaviors: new Map(dates.map((date) => [date.LogicalName, date.DateTimeBehavior?.Value ?? ''])),
      },
      declared?.get(logicalName),
    );
    return tableOf(definition, mirrorable, columns);
  }

  async function tables(signal: AbortSignal): Promise<readonly EntityDefinition[]> {
    return definitions.get(signal);
  }

  function forget(logicalName?: string): void {
    definitions.forget();
    if (logicalName !== undefined) {
      known.delete(logicalName);
      return;
    }
    csdl.forget();
    known.clear();
  }

  const onNewVersion = createChangeGate(() => {
    changedAt = performance.now();
    const metadataVersion = version;
    logger.info({ metadataVersion }, 'The environment has changed its metadata; it is read anew.');
    forget();
    changes.dispatchEvent(new Event('change'));
  });

  return {
    tables,
    async table(logicalName, signal, mode = 'changes') {
      if (mode === 'changes') checkTrackable((await tables(signal)).find(isNamed(logicalName)));
      let table = known.get(logicalName);
      if (table === undefined) {
        table = createSharedRead(async (reading) => describe(logicalName, reading));
        known.set(logicalName, table);
      }
      return table.get(signal);
    },
    known: (logicalName) => (definitions.kept() === undefined ? undefined : known.get(logicalName)?.kept()),
    forget,
    restart() {
      version = undefined;
      forget();
    },
    observe(seen) {
      if (version !== undefined && !isNewer(seen, version)) return;
      const changed = version !== undefined;
      version = seen;
      if (changed) onNewVersion();
    },
    get consistency() {
      return consistency();
    },
    get version() {
      return version;
    },
    onChange(listener, signal) {
      changes.addEventListener('change', listener, { signal });
    },
  };
}

/**
 * Milliseconds during which a server may answer from what it had before a change: documented as 30 s
 * ("Compose HTTP requests and handle errors", the header Consistency), and clocks are not the same.
 */
const CACHED = 60_000;

/** Versions are row versions in decimal; of anything else every other one is taken for newer. */
function isNewer(seen: string, known: string): boolean {
  const areNumbers = [seen, known].every((version) => /^\d+$/.test(version));
  return areNumbers ? BigInt(seen) > BigInt(known) : seen !== known;
}

/** What a request ends in that the environment itself refuses. */
const REFUSALS: ReadonlySet<string> = new Set(['request-refused', 'privilege-missing']);

/** @throws Failure `unexpected-answer` for a text that is no CSDL, or declares nothing. */
function declaredIn(text: string, request: Request, headers: Headers): TypeProperties {
  let declared: TypeProperties;
  try {
    declared = readCsdl(text);
  } catch (error) {
    throw unexpectedAnswer(request, headers, error);
  }
  if (declared.size === 0) throw unexpectedAnswer(request, headers, undefined);
  return declared;
}

/** The column that is part of an elastic table's key ("Create and edit elastic tables"). */
const PARTITION = 'partitionid';
/** Rows the environment gives of an elastic table at once. */
const ELASTIC_PAGE = 500;

interface Mirrorable {
  readonly entitySet: string;
  readonly primaryId: string;
}

function noDefinitions(url: string): Failure {
  return new Failure({
    code: 'unexpected-answer',
    reaction: 'retry',
    message: 'The environment lists no table at all.',
    remedy: 'Check what the signed-in identity may see; otherwise it passes by itself.',
    details: { url },
  });
}

const isNamed =
  (name: string) =>
  (definition: EntityDefinition): boolean =>
    definition.LogicalName === name;

/** @throws Failure `not-mirrorable` when there can be no change feed of a table. */
function checkTrackable(definition: EntityDefinition | undefined): void {
  if (definition?.TableType !== 'Virtual') return;
  throw notMirrorable(
    definition.LogicalName,
    'it is a virtual table, which has no row versions',
    'Take it out of tables, or give it `mode: snapshot`.',
  );
}

function checkReadable(definition: EntityDefinition): Mirrorable {
  const { LogicalName: name, EntitySetName: entitySet, PrimaryIdAttribute: primaryId } = definition;
  if (!entitySet) throw notMirrorable(name, 'it has no entity set');
  if (!primaryId) throw notMirrorable(name, 'it has no primary id');
  return { entitySet, primaryId };
}

function notMirrorable(table: string, why: string, remedy = 'Take it out of tables.'): Failure {
  return new Failure({
    code: 'not-mirrorable',
    reaction: 'stop-table',
    message: `Table ${table} cannot be mirrored: ${why}.`,
    remedy,
    details: { table },
  });
}

function tableOf(definition: EntityDefinition, mirrorable: Mirrorable, columns: readonly Column[]): Table {
  const displayName = labelText(definition.DisplayName);
  const description = labelText(definition.Description);
  const named = (name: string): boolean => columns.some((column) => column.name === name);
  if (!named(mirrorable.primaryId)) {
    throw notMirrorable(definition.LogicalName, `its primary id ${mirrorable.primaryId} is not readable`);
  }
  const isElastic = definition.TableType === 'Elastic';
  const primaryName = definition.PrimaryNameAttribute;
  return {
    logicalName: definition.LogicalName,
    entitySet: mirrorable.entitySet,
    key: mirrorable.primaryId,
    ...(isElastic && named(PARTITION) ? { partition: PARTITION } : {}),
    ...(named('versionnumber') ? { version: 'versionnumber' } : {}),
    ...(primaryName && named(primaryName) ? { primaryName } : {}),
    ...(definition.MetadataId ? { metadataId: definition.MetadataId.toLowerCase() } : {}),
    ...(isElastic ? { largestPage: ELASTIC_PAGE } : {}),
    columns,
    ...(displayName === undefined ? {} : { displayName }),
    ...(description === undefined ? {} : { description }),
  };
}

/** The failure for a name that no table has; it knows names that were likely meant. */
export function tableNotFound(logicalName: string, tables: readonly EntityDefinition[]): Failure {
  const similar = tables
    .filter(
      ({ LogicalName, EntitySetName }) =>
        EntitySetName === logicalName || LogicalName === logicalName.toLowerCase(),
    )
    .map((table) => table.LogicalName);
  return new Failure({
    code: 'table-not-found',
    reaction: 'stop-table',
    message: `The environment has no table ${logicalName}.`,
    remedy:
      similar.length > 0
        ? `Tables are named by their logical name: did you mean ${similar.join(' or ')}?`
        : 'Check the logical name; `mirrorverse tables` lists the tables of the environment.',
    details: { table: logicalName },
  });
}
