import type { Dataverse } from '../../dataverse/dataverse.ts';
import { readRecordCounts } from '../../dataverse/feed/record-count.ts';
import { kindOf, labelText } from '../../dataverse/metadata/table-definition.ts';

/** A table that somebody may want to mirror. */
export interface Candidate {
  readonly name: string;
  readonly displayName: string | null;
  /** By a count of the environment that may be a day old; null if the table is not counted. */
  readonly rows: number | null;
  /** Its changes are tracked, so it can be mirrored at once. */
  readonly isTracked: boolean;
  /** Most people mirror it. */
  readonly isUsual: boolean;
}

const USUAL: readonly string[] = [
  'account',
  'contact',
  'lead',
  'opportunity',
  'incident',
  'task',
  'appointment',
  'email',
  'phonecall',
  'systemuser',
  'team',
  'businessunit',
  'transactioncurrency',
];

/** Every table with rows of its own: the usual ones first, then those with most rows. @throws Failure */
export async function mirrorCandidates(
  { client, metadata }: Dataverse,
  signal: AbortSignal,
): Promise<Candidate[]> {
  const definitions = await metadata.tables(signal);
  const tables = definitions.filter(
    (table) => table.EntitySetName && table.PrimaryIdAttribute && kindOf(table) !== 'virtual',
  );
  const tracked = tables.filter(({ ChangeTrackingEnabled }) => ChangeTrackingEnabled === true);
  const names = tracked.map(({ LogicalName }) => LogicalName);
  const counts = await readRecordCounts(client, names, signal);
  return tables
    .map(({ LogicalName: name, DisplayName, ChangeTrackingEnabled }) => ({
      name,
      displayName: labelText(DisplayName) ?? null,
      rows: counts.get(name) ?? null,
      isTracked: ChangeTrackingEnabled === true,
      isUsual: USUAL.includes(name),
    }))
    .toSorted((a, b) => rank(a) - rank(b) || (b.rows ?? 0) - (a.rows ?? 0) || a.name.localeCompare(b.name));
}

function rank({ name }: Candidate): number {
  const at = USUAL.indexOf(name);
  return at === -1 ? USUAL.length : at;
}
