import {
  METADATA_FORMAT,
  type MetadataChanges,
  type MetadataMemory,
} from '../../dataverse/metadata/changes/metadata-memory.ts';
import {
  forgetStoredMetadata,
  readBasis,
  readDefinitionsOf,
  readOwners,
  readTableList,
  recordBasis,
  recordTableList,
} from '../../mirror/state/stored-metadata.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import type { Table } from '../../model/table.ts';

export interface StateMemoryParts {
  readonly mirror: Pick<Mirror, 'store' | 'schema'>;
  /** The identity that reads metadata. Another identity may see other definitions. */
  readonly userId: string | undefined;
  /** The tables whose definitions are needed soon. They are read by one statement. */
  readonly names: readonly string[];
}

/**
 * The metadata in the state. The definition of a table is stored with the mirror table that was made for it, and its
 * labels with their basis, so this memory only reads definitions, and moves both to another basis.
 */
export function createStateMemory({ mirror, userId, names }: StateMemoryParts): MetadataMemory {
  const { store, schema } = mirror;
  const reader = `${METADATA_FORMAT} ${userId ?? ''}`;
  const needed = new Set(names);
  let loaded: { readonly basis: string; readonly definitions: Promise<Map<string, () => Table>> } | undefined;

  /** What the environment's row has, also if another identity or an earlier mirrorverse wrote it. */
  const stored = async (): Promise<string | null> => (await readBasis(store))?.basis ?? null;

  return {
    async basis() {
      const found = await readBasis(store);
      return found?.reader === reader ? found.basis : undefined;
    },
    async table(logicalName, basis) {
      if (!needed.has(logicalName)) {
        return (await readDefinitionsOf(store, basis, [logicalName])).get(logicalName)?.();
      }
      if (loaded?.basis !== basis) {
        loaded = { basis, definitions: readDefinitionsOf(store, basis, [...needed]) };
      }
      const definitions = await loaded.definitions;
      const definition = definitions.get(logicalName)?.();
      // What was read once is not needed again, and hundreds of definitions take megabytes.
      needed.delete(logicalName);
      definitions.delete(logicalName);
      return definition;
    },
    list: async (basis) => readTableList(store, basis),
    keepList: async (basis, list) => recordTableList(store, basis, list),
    async affected({ tables, deleted }: MetadataChanges) {
      return new Set([...tables, ...(await readOwners(store, schema, deleted))]);
    },
    async move(from, to, changed) {
      const before = from ?? (await stored());
      return recordBasis(store, { from: before, to: { basis: to, reader }, changed });
    },
    forget: async () => forgetStoredMetadata(store),
  };
}
