import type { Column } from '../definitions/column.ts';
import type { LocalizedText } from '../definitions/metadata-members.ts';
import type { Option } from '../definitions/option-set.ts';
import { bigInt, column, dateTime, decimal, guid, integer, localSet, lookup } from './column-kinds.ts';

/** The primary id of a table. */
export function primaryId(schemaName: string, label: LocalizedText): Column {
  return guid(schemaName, label, { isPrimaryId: true, requiredLevel: 'SystemRequired' });
}

/** Created and modified by and on, version number, time zone helpers: the columns of nearly every table. */
export function auditColumns(): Column[] {
  const users = ['systemuser'];
  return [
    dateTime('CreatedOn', ['Created On', 'Erstellt am']),
    lookup('CreatedBy', ['Created By', 'Erstellt von'], users),
    lookup('CreatedOnBehalfBy', ['Created By (Delegate)', 'Erstellt von (Stellvertretung)'], users),
    dateTime('ModifiedOn', ['Modified On', 'Geändert am']),
    lookup('ModifiedBy', ['Modified By', 'Geändert von'], users),
    lookup('ModifiedOnBehalfBy', ['Modified By (Delegate)', 'Geändert von (Stellvertretung)'], users),
    dateTime('OverriddenCreatedOn', ['Record Created On', 'Datensatz erstellt am'], 'UserLocal', {
      format: 'DateOnly',
    }),
    integer('ImportSequenceNumber', ['Import Sequence Number', 'Importsequenznummer']),
    integer('TimeZoneRuleVersionNumber', ['Time Zone Rule Version Number', 'Zeitzonenregelversion']),
    integer('UTCConversionTimeZoneCode', ['UTC Conversion Time Zone Code', 'UTC-Zeitzonencode']),
    versionNumber(),
  ];
}

export function versionNumber(): Column {
  return bigInt('VersionNumber', ['Version Number', 'Versionsnummer']);
}

/** Owner and the owning user, team and business unit. */
export function ownerColumns(): Column[] {
  return [
    column('Owner', 'OwnerId', ['Owner', 'Besitzer'], {
      targets: ['systemuser', 'team'],
      format: 'None',
      sourceType: null,
      requiredLevel: 'SystemRequired',
    }),
    lookup('OwningUser', ['Owning User', 'Besitzender Benutzer'], ['systemuser']),
    lookup('OwningTeam', ['Owning Team', 'Besitzendes Team'], ['team']),
    lookup(
      'OwningBusinessUnit',
      ['Owning Business Unit', 'Besitzende Unternehmenseinheit'],
      ['businessunit'],
    ),
  ];
}

/** Currency of the row and the rate that its `_base` columns were converted with. */
export function currencyColumns(): Column[] {
  return [
    lookup('TransactionCurrencyId', ['Currency', 'Währung'], ['transactioncurrency']),
    decimal('ExchangeRate', ['Exchange Rate', 'Wechselkurs'], 10, { minValue: '0.0000000001' }),
  ];
}

/** State and status reason. */
export function stateColumns(
  table: string,
  states: readonly Option[],
  statuses: readonly Option[],
): Column[] {
  const status: LocalizedText = ['Status', 'Status'];
  const reason: LocalizedText = ['Status Reason', 'Statusgrund'];
  return [
    column('State', 'StateCode', status, {
      sourceType: null,
      requiredLevel: 'SystemRequired',
      optionSet: localSet(table, 'statecode', status, 'State', states),
    }),
    column('Status', 'StatusCode', reason, {
      sourceType: null,
      optionSet: localSet(table, 'statuscode', reason, 'Status', statuses),
    }),
  ];
}

/** Active and inactive with one reason each. */
export function activeStateColumns(table: string): Column[] {
  return stateColumns(
    table,
    [
      { value: 0, label: ['Active', 'Aktiv'], defaultStatus: 1 },
      { value: 1, label: ['Inactive', 'Inaktiv'], defaultStatus: 2 },
    ],
    [
      { value: 1, label: ['Active', 'Aktiv'], state: 0 },
      { value: 2, label: ['Inactive', 'Inaktiv'], state: 1 },
    ],
  );
}
