import {
  PUBLICATION_READERS,
  takesTable,
  type PublicationReader,
} from '../../mirror/downstream/publication-mark.ts';
import { publish, type ReplicaIdentity } from '../../mirror/downstream/change-publication.ts';
import type { MirroredTable } from '../../mirror/downstream/mirrored-tables.ts';
import type { MirrorDatabase } from '../../mirror/database.ts';
import type { TableChoice, TableEntry } from '../../sync/tables/table-resolution.ts';
import { assertSomeMirrored, readConfiguredMirror } from './configured-mirror.ts';

/** The name that each program looks for by itself; zero-cache is told any name. */
const NAMES: Readonly<Record<PublicationReader, string>> = {
  powersync: 'powersync',
  electric: 'electric_publication_default',
  zero: 'zero_data',
};
const NAME = 'mirrorverse';

/** What `publication --json` prints. Members may be added; these stay. */
export interface MirrorPublication {
  readonly publication: string;
  readonly for: PublicationReader | null;
  readonly created: boolean;
  readonly walLevel: string;
  readonly tables: readonly {
    readonly table: string;
    /** Name of the mirror table in its schema, unquoted. */
    readonly mirrorTable: string;
    readonly change: 'added' | 'kept' | 'removed';
    readonly replicaIdentity: ReplicaIdentity;
    readonly identityChanged: boolean;
  }[];
  readonly leftOut: readonly { readonly table: string; readonly why: string }[];
}

/** The program of a name; undefined if there is no such program. */
export function readerNamed(name: string): PublicationReader | undefined {
  return PUBLICATION_READERS.find((reader) => reader === name);
}

export function publicationName(reader: PublicationReader | null): string {
  return reader === null ? NAME : NAMES[reader];
}

/** Makes the publication of the configured tables, or brings it up to date. @throws Failure */
export async function publishMirror(
  database: MirrorDatabase,
  choice: TableChoice<TableEntry>,
  name: string,
  reader: PublicationReader | null,
): Promise<MirrorPublication> {
  let mirror = await readConfiguredMirror(database, choice);
  assertSomeMirrored(mirror.tables, database.schema);
  const takes = ({ definition }: MirroredTable): boolean =>
    takesTable(reader, definition.partition !== undefined);
  const readWanted = async (): Promise<string[]> => {
    mirror = await readConfiguredMirror(database, choice);
    return mirror.tables.filter(takes).map(({ identifier }) => identifier);
  };
  const { created, walLevel, tables: published } = await publish(database, { name, reader, readWanted });
  const { tables, missing } = mirror;
  const nameOf = new Map(tables.map(({ identifier, table }) => [identifier, table]));
  return {
    publication: name,
    for: reader,
    created,
    walLevel,
    tables: published.map(({ identifier, ...change }) => {
      return { table: nameOf.get(identifier) ?? identifier, mirrorTable: identifier, ...change };
    }),
    leftOut: [
      ...missing.map((table) => ({ table, why: 'it has no mirror table yet; it joins when it gets one' })),
      ...tables
        .filter((table) => !takes(table))
        .map(({ table }) => ({
          table,
          why: 'it is elastic: its partition may be null, and zero wants a key without nulls',
        })),
    ],
  };
}
