import type { Logger } from 'pino';
import { Failure } from '../../model/failure.ts';
import type { OddItem, Table } from '../../model/table.ts';
import { createChangeGate } from './change-gate.ts';
import type { DataverseClient, Request } from '../http/client.ts';
import { columnsOf } from './columns.ts';
import { createDefinitionReader } from './definition-reader.ts';
import { checkReadable, checkTrackable, isNamed, notAmong, tableOf } from './mirrorable-table.ts';
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

/** What the environment says about its tables. */
export interface Metadata {
  /** Every table of the environment whose definition is one. */
  tables(signal: AbortSignal): Promise<readonly EntityDefinition[]>;
  /** The definitions that nobody can make sense of. */
  oddTables(signal: AbortSignal): Promise<readonly OddItem[]>;
  /**
   * A table with its columns, those on request among them.
   *
   * @param mode a snapshot needs no row versions, so it can be had of virtual tables too.
   * @throws Failure `table-not-found`, `not-mirrorable`, `definition-odd`.
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
  /** When a request for metadata was last answered as it should be, by `performance.now()`. */
  readonly answeredAt: number;
  /** Says, once, that something of the metadata is odd. */
  tellOdd(what: string, item: OddItem, table?: string): void;
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
  const consistency = (): Pick<Request, 'consistency'> =>
    performance.now() - changedAt < CACHED ? { consistency: 'Strong' } : {};
  const reader = createDefinitionReader(client, logger, consistency);
  const definitions = createSharedRead(async (signal) => {
    const url = `EntityDefinitions?$select=${ENTITY_SELECT.join(',')}`;
    const found = await reader.list(url, entityDefinition, signal);
    // Every environment has tables: none at all would mean that all have been removed.
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
    if (definition === undefined) throw notAmong(logicalName, all);
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
    // A row version. What is none came from elsewhere, and could be anything.
    const metadataVersion = /^\d{1,20}$/.test(version ?? '') ? version : undefined;
    logger.info({ metadataVersion }, 'The environment has changed its metadata; it is read anew.');
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
 * Milliseconds during which a server may answer from what it had before a change: documented as 30 s
 * ("Compose HTTP requests and handle errors", the header Consistency), and clocks are not the same.
 */
const CACHED = 60_000;

/** Versions are row versions in decimal; of anything else every other one is taken for newer. */
function isNewer(seen: string, known: string): boolean {
  const areNumbers = [seen, known].every((version) => /^\d+$/.test(version));
  return areNumbers ? BigInt(seen) > BigInt(known) : seen !== known;
}

function noDefinitions(url: string, [odd]: readonly OddItem[]): Failure {
  const why = odd === undefined ? '' : ` that is one: of ${nameOfOdd(odd)}, ${odd.reason}`;
  return new Failure({
    code: 'unexpected-answer',
    reaction: 'retry',
    message: `The environment lists no table at all${why}.`,
    remedy: 'Check what the signed-in identity may see; otherwise it passes by itself.',
    details: { url },
  });
}
