import type { Logger } from 'pino';
import { Failure } from '../../model/failure.ts';
import type { OddItem, Table } from '../../model/table.ts';
import { createChangeGate } from './changes/change-gate.ts';
import { KeptMetadata } from './changes/kept-metadata.ts';
import type { MetadataMemory } from './changes/metadata-memory.ts';
import type { DataverseClient, Request } from '../http/client.ts';
import { createDefinitionReader } from './definition-reader.ts';
import { readIntersections, type Intersections } from './many-to-many.ts';
import { checkTrackable, isNamed, noUsableDefinition } from './mirrorable-table.ts';
import { nameOfOdd, type ParsedDefinitions } from './odd-definitions.ts';
import { createSharedRead, type SharedRead } from './shared-read.ts';
import { ENTITY_SELECT, entityDefinition, shortened, type EntityDefinition } from './table-definition.ts';
import { isWhole, readTable, type DescribedTable } from './table-reader.ts';

/** The environment's definitions of its tables. */
export interface Metadata {
  /** Every table of the environment with a usable definition. */
  tables(signal: AbortSignal): Promise<readonly EntityDefinition[]>;
  /** The odd definitions, which cannot be used. */
  oddTables(signal: AbortSignal): Promise<readonly OddItem[]>;
  /** The tables that each intersect table joins; undefined if the environment refuses to tell. */
  intersections(signal: AbortSignal): Promise<Intersections | undefined>;
  /**
   * Uses what earlier processes read as long as it is current, and keeps what is read from now on. Without a memory
   * everything is read.
   */
  remember(memory: MetadataMemory): void;
  /** Names the state of the metadata that is read now; undefined if nothing identifies it. */
  readonly basis: string | undefined;
  /**
   * The state of the metadata that the memory has, if the environment's version alone tells that nothing has changed
   * since. The environment is not asked. Undefined if it would have to be.
   */
  unchangedBasis(signal: AbortSignal): Promise<string | undefined>;
  /** The state of the metadata that a definition belongs to; undefined if it may not be kept for later. */
  basisOf(table: Table): string | undefined;
  /**
   * A table with all its columns, including those on request.
   *
   * @param mode a snapshot needs no change tracking, so every virtual table is allowed.
   * @throws Failure `table-not-found`, `not-mirrorable`, `definition-odd`.
   */
  table(logicalName: string, signal: AbortSignal, mode?: 'changes' | 'snapshot'): Promise<Table>;
  /**
   * A table with all its attributes, read anew. It need not be tracked.
   *
   * @throws Failure `table-not-found`, `not-mirrorable`, `definition-odd`.
   */
  described(logicalName: string, signal: AbortSignal): Promise<DescribedTable>;
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
  /** Forgets everything including the version and the memory, because the environment went back in time. */
  restart(): Promise<void>;
}

/**
 * Reads metadata when it is first needed and keeps it: the list of tables and the CSDL once, the attributes
 * of each table at its first use.
 */
export function createMetadata(client: DataverseClient, logger: Logger): Metadata {
  const consistency = (): Pick<Request, 'consistency'> =>
    performance.now() - changedAt < CACHED ? { consistency: 'Strong' } : {};
  const reader = createDefinitionReader(client, logger, consistency);
  const readList = createSharedRead(async (signal) => {
    const url = `EntityDefinitions?$select=${ENTITY_SELECT.join(',')}`;
    // The organization's row may be hidden, and the first page comes too late to tell what is current.
    const options = kept !== undefined && version === undefined ? { observe } : {};
    const found = await reader.list(url, entityDefinition, signal, options);
    // Every environment has tables. An empty list would look as if all tables had been removed.
    if (found.items.length === 0) throw noDefinitions(url, found.odd);
    for (const item of found.odd) tellOdd('the definition of table', item);
    return found;
  });
  const csdl = createSharedRead(async (signal) => reader.declared(signal));
  const lists = createSharedRead(async (signal) => keptList(signal));
  const joined = createSharedRead(async (signal) => keptIntersections(signal));
  const known = new Map<string, SharedRead<Table>>();
  const basisOf = new WeakMap<Table, string>();
  const told = new Set<string>();
  let kept: KeptMetadata | undefined;
  let version: string | undefined;
  let changedAt = Number.NEGATIVE_INFINITY;
  const changes = new EventTarget();
  const current = createSharedRead(async (signal) => catchUp(signal));

  /** Forgets what has changed since it was read. */
  async function catchUp(signal: AbortSignal): Promise<true> {
    if (kept === undefined) return true;
    const { isFirst } = kept;
    const changed = await kept.catchUp(
      version,
      async () => {
        await readList.get(signal);
        return version;
      },
      signal,
    );
    if (changed === 'nothing') return true;
    // The change may be so recent that servers still have the former metadata in their caches.
    changedAt = performance.now();
    if (changed === 'everything') known.clear();
    else for (const name of changed) known.delete(name);
    // At first nothing is older than the basis.
    if (!isFirst && (changed === 'everything' || changed.size > 0)) forgetShared();
    return true;
  }

  async function definitions(signal: AbortSignal): Promise<KeptList> {
    await current.get(signal);
    return lists.get(signal);
  }

  async function keptList(signal: AbortSignal): Promise<KeptList> {
    // The basis is taken first. If it moves meanwhile, the list stays with the old one, and is read again.
    const basis = kept?.current;
    const remembered = await kept?.list();
    if (remembered !== undefined && basis !== undefined && kept?.current === basis) {
      return { ...(JSON.parse(remembered) as KeptList), basis };
    }
    const list = await readList.get(signal);
    if (basis === undefined) return list;
    // An odd definition may be mended, so a list with one is read again by the next process.
    if (list.odd.length === 0) {
      await kept?.keepList(basis, JSON.stringify({ items: list.items.map(shortened), odd: [] }));
    }
    return { ...list, basis };
  }

  async function keptIntersections(signal: AbortSignal): Promise<Intersections | undefined> {
    const list = await definitions(signal);
    if (list.joined !== undefined) return new Map(list.joined.map(([name, sides]) => [name, new Set(sides)]));
    const { basis } = list;
    const read = await readIntersections(client, signal);
    if (basis !== undefined && list.odd.length === 0 && read !== undefined) {
      const pairs = [...read].map(([name, sides]) => [name, [...sides]]);
      await kept?.keepList(
        basis,
        JSON.stringify({ items: list.items.map(shortened), odd: [], joined: pairs }),
      );
    }
    return read;
  }

  function tellOdd(what: string, item: OddItem, table?: string): void {
    const message = `Odd metadata: ${what} ${nameOfOdd(item)}: ${item.reason}. It is left out.`;
    const key = `${table} ${message}`;
    if (told.has(key)) return;
    told.add(key);
    logger.warn({ ...(table === undefined ? {} : { table }), ...item }, message);
  }

  async function describe(
    logicalName: string,
    mode: 'changes' | 'snapshot',
    signal: AbortSignal,
  ): Promise<Table> {
    // The basis is taken first. If it moves meanwhile, the definition may be one that has just changed.
    const basis = kept?.current;
    const remembered = await kept?.table(logicalName);
    if (remembered !== undefined && basis !== undefined && kept?.current === basis) {
      basisOf.set(remembered, basis);
      return remembered;
    }
    // The remembered list only tells which tables there are. A part of it that looked right may be odd after all.
    const all = await readList.get(signal);
    const definition = all.items.find(isNamed(logicalName));
    if (mode === 'changes') checkTrackable(definition);
    if (definition === undefined) throw noUsableDefinition(logicalName, all);
    const { table } = await readTable(reader, definition, csdl.get(signal), signal);
    if (basis !== undefined && isWhole(table)) basisOf.set(table, basis);
    return table;
  }

  /** Forgets what is shared by all tables. */
  function forgetShared(): void {
    readList.forget();
    lists.forget();
    joined.forget();
    csdl.forget();
  }

  function forget(logicalName?: string): void {
    kept?.distrust(logicalName);
    if (logicalName === undefined) {
      forgetShared();
      known.clear();
      return;
    }
    readList.forget();
    lists.forget();
    known.delete(logicalName);
  }

  const onNewVersion = createChangeGate(() => {
    changedAt = performance.now();
    // The version is a row version. Any other text did not come from Dataverse, and is not logged.
    const metadataVersion = /^\d{1,20}$/.test(version ?? '') ? version : undefined;
    logger.info(
      { metadataVersion },
      'The environment has changed its metadata; mirrorverse reads what has changed.',
    );
    current.forget();
    if (kept === undefined) forget();
    changes.dispatchEvent(new Event('change'));
  });

  function observe(seen: string): void {
    if (version !== undefined && !isNewer(seen, version)) return;
    const changed = version !== undefined;
    version = seen;
    if (changed) onNewVersion();
  }

  return {
    tables: async (signal) => (await definitions(signal)).items,
    oddTables: async (signal) => (await definitions(signal)).odd,
    intersections: async (signal) => {
      await current.get(signal);
      return joined.get(signal);
    },
    tellOdd,
    remember(memory) {
      kept = new KeptMetadata(client, memory);
      current.forget();
      forgetShared();
    },
    get basis() {
      return kept === undefined ? version : kept.current;
    },
    async unchangedBasis(signal) {
      if (version === undefined || (await kept?.isAt(version)) !== true) return undefined;
      await current.get(signal);
      return kept?.current;
    },
    basisOf: (table) => basisOf.get(table),
    get answeredAt() {
      return reader.answeredAt;
    },
    async table(logicalName, signal, mode = 'changes') {
      await current.get(signal);
      let read = known.get(logicalName);
      if (read === undefined) {
        read = createSharedRead(async (reading) => describe(logicalName, mode, reading));
        known.set(logicalName, read);
      }
      const table = await read.get(signal);
      // A virtual table may have been read for a snapshot.
      if (mode === 'changes' && table.isVirtual === true) {
        checkTrackable((await definitions(signal)).items.find(isNamed(logicalName)));
      }
      return table;
    },
    async described(logicalName, signal) {
      const all = await readList.get(signal);
      const definition = all.items.find(isNamed(logicalName));
      if (definition === undefined) throw noUsableDefinition(logicalName, all);
      return readTable(reader, definition, csdl.get(signal), signal);
    },
    known: (logicalName) => (current.kept() === undefined ? undefined : known.get(logicalName)?.kept()),
    forget,
    async restart() {
      version = undefined;
      current.forget();
      forget();
      await kept?.restart();
    },
    observe,
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

/** The list of tables, and what joins them if that was read too. */
type KeptList = ParsedDefinitions<EntityDefinition> & {
  /** The state of the metadata that the list belongs to; undefined if it may not be kept for later. */
  readonly basis?: string;
  readonly joined?: readonly (readonly [string, readonly string[]])[];
};

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
    remedy: 'Check which tables the signed-in identity may read.',
    details: { url },
  });
}
