import type { Table } from '../../../model/table.ts';
import type { DataverseClient } from '../../http/client.ts';
import { readMetadataChanges, readMetadataStamp } from './metadata-changes.ts';
import { parseBasis, writeBasis, type Basis, type MetadataMemory } from './metadata-memory.ts';

/** What has changed: nothing, these tables, or perhaps everything. */
export type Changed = 'nothing' | 'everything' | ReadonlySet<string>;

/** Reads the metadata version from an answer of its own; undefined if the environment sends none. */
type ReadVersion = (signal: AbortSignal) => Promise<string | undefined>;

/**
 * Follows the state of the environment's metadata: finds out what has changed since the metadata was read, by this
 * process or by an earlier one, with as few requests as possible.
 */
export class KeptMetadata {
  private readonly client: DataverseClient;
  private readonly memory: MetadataMemory;
  private basis: string | undefined;
  /** Nothing has been read yet. */
  isFirst = true;
  // Tables that must be read although the memory has them, and whether all tables must.
  private readonly distrusted = new Set<string>();
  private distrustsAll = false;

  constructor(client: DataverseClient, memory: MetadataMemory) {
    this.client = client;
    this.memory = memory;
  }

  /** The state of the metadata that is read from now on; undefined if nothing identifies it. */
  get current(): string | undefined {
    return this.basis;
  }

  /** Whether everything that the memory has is current at a version of the environment's metadata. @throws Failure */
  async isAt(version: string): Promise<boolean> {
    const basis = this.isFirst ? await this.memory.basis() : this.basis;
    if (basis === undefined || this.distrustsAll || this.distrusted.size > 0) return false;
    return parseBasis(basis).version === version;
  }

  /**
   * Finds out what has changed since the last call, or since what the memory has.
   *
   * The version of the new basis is known before anything is asked. So a change that comes meanwhile has a newer
   * version than the basis, and is found at the next call.
   *
   * @param version the environment's metadata version; undefined if it is not known.
   * @param readVersion reads the list of tables, whose answer may bring the version.
   * @throws Failure if the memory cannot be read.
   */
  async catchUp(
    version: string | undefined,
    readVersion: ReadVersion,
    signal: AbortSignal,
  ): Promise<Changed> {
    const from = this.isFirst ? await this.memory.basis() : this.basis;
    const known: Basis = from === undefined ? {} : parseBasis(from);
    let seen = version;
    let stamp: string | undefined;
    const readsVersion = seen === undefined && known.stamp === undefined;
    if (readsVersion) {
      // The stamp must not be newer than anything that is read, and the list is read now.
      if (from === undefined) stamp = await readMetadataStamp(this.client, signal);
      seen = await readVersion(signal);
    }
    if (from !== undefined && seen !== undefined && seen === known.version)
      return this.settle(from, 'nothing');
    const isRewound = isEarlier(seen, known.version);
    if (from !== undefined && known.stamp !== undefined && !isRewound) {
      const changed = await this.changes(from, { ...known, stamp: known.stamp }, seen, signal);
      if (changed !== undefined) return changed;
    }
    if (isRewound) await this.memory.forget();
    if (!readsVersion) stamp = await readMetadataStamp(this.client, signal);
    return this.readAll({ version: seen, stamp });
  }

  /** Asks the environment what has changed; undefined if it cannot tell. */
  private async changes(
    from: string,
    { version: before, stamp }: Basis & { readonly stamp: string },
    version: string | undefined,
    signal: AbortSignal,
  ): Promise<Changed | undefined> {
    const changes = await readMetadataChanges(this.client, stamp, signal);
    if (changes === undefined) return undefined;
    const tables = await this.memory.affected(changes);
    const list = changes.tables.size > 0 || changes.deleted.length > 0;
    const to = writeBasis({ version: version ?? (list ? undefined : before), stamp: changes.stamp });
    // It is not documented whether a change of a global choice is a change of its columns, so a change of the version
    // that nothing explains may be one.
    const labels = changes.deletesLabels || (!list && version !== undefined && version !== before);
    if (await this.memory.move(from, to, { tables, labels, list })) {
      return this.settle(to, tables);
    }
    // Another process was faster. Its stamp may be newer than the answer above, so this process asks once more.
    const theirs = await this.memory.basis();
    const more = await readMetadataChanges(this.client, stamp, signal);
    if (theirs === undefined || more === undefined) return undefined;
    return this.settle(theirs, new Set([...tables, ...(await this.memory.affected(more))]));
  }

  /** Everything is read from now on. A stamp that another process has stored is old enough for that. */
  private async readAll(now: { version: string | undefined; stamp: string | undefined }): Promise<Changed> {
    const to = writeBasis(now);
    if (now.version === undefined && now.stamp === undefined) return this.settle(undefined, 'everything');
    const moved = await this.memory.move(await this.memory.basis(), to, undefined);
    return this.settle(moved ? to : await this.memory.basis(), 'everything');
  }

  private settle(basis: string | undefined, changed: Changed): Changed {
    this.isFirst = false;
    this.basis = basis;
    if (changed === 'everything') this.distrust();
    else if (changed !== 'nothing') for (const table of changed) this.distrust(table);
    return changed;
  }

  /** The definition that the memory has; undefined if the environment must be asked. @throws Failure */
  async table(logicalName: string): Promise<Table | undefined> {
    if (this.basis === undefined || this.distrustsAll || this.distrusted.has(logicalName)) return undefined;
    return this.memory.table(logicalName, this.basis);
  }

  /** The list of tables that the memory has, as JSON; undefined if the environment must be asked. @throws Failure */
  async list(): Promise<string | undefined> {
    return this.basis === undefined || this.distrustsAll ? undefined : this.memory.list(this.basis);
  }

  /** Keeps the list of tables, which was read at a basis. @throws Failure */
  async keepList(basis: string, list: string): Promise<void> {
    await this.memory.keepList(basis, list);
  }

  /** Makes definitions be read from the environment: that of a table, or all. */
  distrust(logicalName?: string): void {
    if (logicalName === undefined) this.distrustsAll = true;
    else this.distrusted.add(logicalName);
  }

  /** Forgets everything, here and in the memory, because the environment went back in time. @throws Failure */
  async restart(): Promise<void> {
    this.isFirst = true;
    this.basis = undefined;
    this.distrust();
    await this.memory.forget();
  }
}

/** Whether a version is older than another. The environment went back in time, or a server lags behind. */
function isEarlier(version: string | undefined, than: string | undefined): boolean {
  return (
    [version, than].every((each) => /^\d+$/.test(each ?? '')) && BigInt(version ?? 0) < BigInt(than ?? 0)
  );
}
