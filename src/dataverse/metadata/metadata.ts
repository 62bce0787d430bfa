import type { Logger } from 'pino';
import { Failure } from '../../model/failure.ts';
import type { OddItem, Table } from '../../model/table.ts';
import { createChangeGate } from './change-gate.ts';
import type { DataverseClient, Request } from '../http/client.ts';
import { columnsOf } from './columns.ts';
import { createDefinitionReader } from './definition-reader.ts';
import { checkReadable, checkTrackable, isNamed, noUsableDefinition, tableOf } from './mirrorable-table.ts';
import { nameOfOdd } from './odd-definitions.ts';
import { createSharedRead, type SharedRead } from './shared-read.ts';
import {
  attributeDefinition,
  ATTRIBUTE_SELECT,
  dateTimeDetail,
  ENTITY_SELECT,
  entityDefinition,
  lookupDetail,
  type EntityDefinition,
} from './table-definition.ts';

/** The environment's definitions of its tables. */
export interface Metadata {
  /** Every table of the environment with a usable definition. */
  tables(signal: AbortSignal): Promise<readonly EntityDefinition[]>;
  /** The odd definitions, which cannot be used. */
  oddTables(signal: AbortSignal): Promise<readonly OddItem[]>;
  /**
   * A table with all its columns, including those on request.
   *
   * @param mode a snapshot needs no row versions, so virtual tables are allowed too.
   * @throws Failure `table-not-found`, `not-mirrorable`, `definition-odd`.
   */
  table(logicalName: string, signal: AbortSignal, mode?: 'changes' | 'snapshot'): Promise<Table>;
  /** The table that `table` would return without a request; undefined if it would need one. */
  known(logicalName: string): Table | undefined;
  /**
   * Records the environment's metadata version, which came with some answer. After a newer version everything
   * is read again at its next use, but at most every half minute while the version keeps changing. An older
   * version comes from a server that lags behind, and is ignored.
   */
  observe(version: string): void;
  /**
   * How metadata must be read now. Soon after a change it is read past the servers' caches; otherwise the old
   * metadata would be kept under the new version.
   */
  readonly consistency: Pick<Request, 'consistency'>;
  /** The newest metadata version; undefined if the environment sends none. */
  readonly version: string | undefined;
  /** The time of the last usable answer to a request for metadata, by `performance.now()`. */
  readonly answeredAt: number;
  /** Logs once that a part of the metadata is odd. */
  tellOdd(what: string, item: OddItem, table?: string): void;
  /** Calls `listener` after each change of the metadata version, until the signal is aborted. */
  onChange(listener: () => void, signal: AbortSignal): void;
  /** Forgets everything that was read; with a name, only that table and the list of tables. */
  forget(logicalName?: string): void;
  /** Forgets everything including the version, because the environment went back in time. */
  restart(): void;
}

/**
 * Reads metadata when it is first needed and keeps it: the list of tables and the CSDL once, the attributes
 * of each table at its first use.
 */
export function createMetadata(client: DataverseClient, logger: Logger): Metadata {
  const consistency = (): Pick<Request, 'consistency'> =>
    performance.now() - changedAt < CACHED ? { consistency: 'Strong' } : {};
  const reader = createDefinitionReader(client, logger, consistency);
  const definitions = createSharedRead(async (signal) => {
    const url = `EntityDefinitions?$select=${ENTITY_SELECT.join(',')}`;
    const found = await reader.list(url, entityDefinition, signal);
    // Every environment has tables. An empty list would look as if all tables had been removed.
    if (found.items.length === 0) throw noDefinitions(url, found.odd);
    for (const item of found.odd) tellOdd('the definition of table', item);
    return found;
  });
  const csdl = createSharedRead(async (signal) => reader.declared(signal));
  const known = new Map<string, SharedRead<Table>>();
  const told = new Set<string>();
  let version: string | undefined;
  let changedAt = Number.NEGATIVE_INFINITY;
  const changes = new EventTarget();

  function tellOdd(what: string, item: OddItem, table?: string): void {
    const message = `Odd metadata: ${what} ${nameOfOdd(item)}: ${item.reason}. It is left out.`;
    const key = `${table} ${message}`;
    if (told.has(key)) return;
    told.add(key);
    logger.warn({ ...(table === undefined ? {} : { table }), ...item }, message);
  }

  async function describe(logicalName: string, signal: AbortSignal): Promise<Table> {
    const all = await definitions.get(signal);
    const definition = all.items.find(isNamed(logicalName));
    if (definition === undefined) throw noUsableDefinition(logicalName, all);
    const mirrorable = checkReadable(definition);
    const path = `EntityDefinitions(LogicalName='${encodeURIComponent(logicalName)}')/Attributes`;
    const cast = `${path}/Microsoft.Dynamics.CRM`;
    const [attributes, lookups, dates, declared] = await Promise.all([
      reader.list(`${path}?$select=${ATTRIBUTE_SELECT.join(',')}`, attributeDefinition, signal, logicalName),
      reader.list(
        `${cast}.LookupAttributeMetadata?$select=LogicalName,Targets`,
        lookupDetail,
        signal,
        logicalName,
      ),
      reader.list(
        `${cast}.DateTimeAttributeMetadata?$select=LogicalName,DateTimeBehavior`,
        dateTimeDetail,
        signal,
        logicalName,
      ),
      csdl.get(signal),
    ]);
    const properties = declared?.get(logicalName);
    const { columns, odd, assumed } = columnsOf(
      logicalName,
      attributes,
      {
        targets: new Map(lookups.items.map((lookup) => [lookup.LogicalName, lookup.Targets ?? []])),
        behaviors: new Map(dates.items.map((date) => [date.LogicalName, date.DateTimeBehavior?.Value ?? ''])),
        odd: [...lookups.odd, ...dates.odd],
      },
      properties,
    );
    return {
      ...tableOf(definition, mirrorable, columns, odd),
      ...(odd.length === 0 ? {} : { odd }),
      ...(assumed.length === 0 ? {} : { assumed }),
      ...(properties === undefined ? { byFlags: true } : {}),
    };
  }

  async function tables(signal: AbortSignal): Promise<readonly EntityDefinition[]> {
    return (await definitions.get(signal)).items;
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
    // The version is a row version. Any other text did not come from Dataverse, and is not logged.
    const metadataVersion = /^\d{1,20}$/.test(version ?? '') ? version : undefined;
    logger.info({ metadataVersion }, 'The environment has changed its metadata; mirrorverse reads it again.');
    forget();
    changes.dispatchEvent(new Event('change'));
  });

  return {
    tables,
    oddTables: async (signal) => (await definitions.get(signal)).odd,
    tellOdd,
    get answeredAt() {
      return reader.answeredAt;
    },
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
 * Milliseconds after a change during which a server may still answer from its cache. Documented are 30 s
 * ("Compose HTTP requests and handle errors", the header Consistency); clocks differ, so it is twice that.
 */
const CACHED = 60_000;

/** Versions are decimal row versions. Of any other text, each different version counts as newer. */
function isNewer(seen: string, known: string): boolean {
  const areNumbers = [seen, known].every((version) => /^\d+$/.test(version));
  return areNumbers ? BigInt(seen) > BigInt(known) : seen !== known;
}

function noDefinitions(url: string, [odd]: readonly OddItem[]): Failure {
  const why = odd === undefined ? '' : ` with a usable definition: of ${nameOfOdd(odd)}, ${odd.reason}`;
  return new Failure({
    code: 'unexpected-answer',
    reaction: 'retry',
    message: `The environment lists no table at all${why}.`,
    remedy: 'Check which tables the signed-in identity may read. mirrorverse tries again by itself.',
    details: { url },
  });
}
