import { isDeepStrictEqual } from 'node:util';
import { audit } from '../../src/emulator/audit/audit-table.ts';
import type { Dataverse } from '../../src/dataverse/dataverse.ts';
import { openMirrorDatabase } from '../../src/mirror/database.ts';
import { openMirror } from '../../src/mirror/mirror.ts';
import { DetailReader, type AuditWishes } from '../../src/sync/audit/detail-reader.ts';
import type { ColumnSelection } from '../../src/sync/tables/table-selection.ts';
import { eventually } from './command-line.ts';
import { mirrorOptions, silent } from './mirror.ts';
import type { SyncBench } from './sync.ts';

/** Adds the table of audit rows to the emulator. */
export function addAudit({ emulator }: SyncBench): void {
  emulator.store.addTable(audit);
}

/** An AuditDetail of changed attributes, with the values as JSON. */
export function attributeDetail(before: string, after: string): string {
  return `{"@odata.type":"#Microsoft.Dynamics.CRM.AttributeAuditDetail","InvalidNewValueAttributes":[],"LocLabelLanguageCode":0,"DeletedAttributes":{"Count":0,"Keys":[],"Values":[]},"OldValue":{${before}},"NewValue":{${after}}}`;
}

/** Adds an audit row of a table, and its detail. @returns its id. */
export function addAuditRow(
  { emulator }: SyncBench,
  facts: { readonly table: string; readonly object?: string; readonly detail?: string; readonly id?: string },
): string {
  const { store, settings } = emulator;
  const values = { objecttypecode: facts.table, operation: 2, action: 2, objectid: facts.object ?? null };
  const id = store.insert('audit', values, facts.id);
  if (facts.detail !== undefined) settings.auditDetails.set(id, facts.detail);
  return id;
}

export interface ReaderFacts extends Partial<AuditWishes> {
  readonly holder?: string;
  readonly requestsPer5Minutes?: number;
  readonly columns?: Readonly<Record<string, ColumnSelection>>;
  readonly dataverse?: Dataverse;
}

/** A reader of details as a daemon has one, in a session of its own. */
export class RunningReader implements AsyncDisposable {
  private readonly stop = new AbortController();
  private readonly ended: Promise<void>;

  constructor(bench: SyncBench, facts: ReaderFacts = {}) {
    this.ended = this.run(bench, facts);
  }

  private async run(
    bench: SyncBench,
    {
      details = ['account'],
      share = 1,
      holder = 'reader',
      requestsPer5Minutes = 6_000_000,
      ...more
    }: ReaderFacts,
  ): Promise<void> {
    const options = mirrorOptions(bench.database.url);
    const database = openMirrorDatabase(options, silent);
    const dataverse = more.dataverse ?? bench.dataverse();
    const environment = {
      url: bench.url,
      organizationId: bench.emulator.store.organizationId,
      linkLifeDays: 7,
    };
    try {
      const mirror = await openMirror(database, options, environment, ['audit']);
      const reader = new DetailReader({
        dataverse,
        mirror,
        holder,
        wishes: () => ({ details, share }),
        columnsOf: (table) => more.columns?.[table],
        requestsPer5Minutes: () => requestsPer5Minutes,
        lookEvery: 50,
        logger: silent,
      });
      await reader.run(this.stop.signal);
    } finally {
      await database.close();
      await dataverse.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.ended;
  }
}

/** How often each outcome is on record. */
export async function outcomes({ database }: SyncBench): Promise<Record<string, number>> {
  const rows = await database.query<{ outcome: string; count: number }>(
    'SELECT outcome, count(*)::int AS count FROM mirrorverse.audit_reads GROUP BY 1',
  );
  return Object.fromEntries(rows.map(({ outcome, count }) => [outcome, count]));
}

/** Waits until so many details are on record, by outcome. */
export async function untilOutcomes(
  bench: SyncBench,
  wanted: Readonly<Record<string, number>>,
): Promise<void> {
  await eventually(async () => isDeepStrictEqual(await outcomes(bench), wanted));
}
