import type { TableDefinition } from '../definitions/emulated-table.ts';
import { bigInt, dateTime, decimal, text } from '../table-parts/column-kinds.ts';
import { primaryId } from '../table-parts/standard-columns.ts';
import { defineTable } from '../table-parts/built-in-table.ts';

/** What a virtual table of Finance and Operations may have or lack. */
export interface LedgerFacts {
  readonly schemaName?: string;
  /** The version before the first write. */
  readonly ownCounter?: bigint;
  readonly hasVersions?: boolean;
  readonly changeTrackingEnabled?: boolean;
}

/**
 * A virtual table of Finance and Operations for tests to add ("Track changes for Finance and Operations virtual
 * tables"). Its provider counts the versions, with a counter of its own.
 */
export function ledger({
  schemaName = 'mserp_LedgerJournal',
  ownCounter = 4_000n,
  hasVersions = true,
  changeTrackingEnabled = true,
}: LedgerFacts = {}): TableDefinition {
  return defineTable({
    schemaName,
    entitySetName: `${schemaName.toLowerCase()}s`,
    objectTypeCode: 11_901,
    ownershipType: 'OrganizationOwned',
    tableType: 'Virtual',
    changeTrackingEnabled,
    canChangeTrackingBeEnabled: changeTrackingEnabled,
    ownCounter,
    displayName: ['Ledger journal', 'Buchungsjournal'],
    displayCollectionName: ['Ledger journals', 'Buchungsjournale'],
    columns: [
      primaryId(`${schemaName}Id`, ['Ledger journal', 'Buchungsjournal']),
      text('mserp_JournalNumber', ['Journal number', 'Journalnummer'], 60, { isPrimaryName: true }),
      text('mserp_DataAreaId', ['Company', 'Unternehmen'], 4),
      decimal('mserp_Amount', ['Amount', 'Betrag'], 6),
      dateTime('mserp_PostedOn', ['Posted on', 'Gebucht am']),
      ...(hasVersions ? [bigInt('VersionNumber', ['Version Number', 'Versionsnummer'])] : []),
    ],
  });
}
