import type { TableDefinition } from '../definitions/emulated-table.ts';
import { dateTime, double, integer, memo, text } from '../table-parts/column-kinds.ts';
import { auditColumns, ownerColumns, primaryId } from '../table-parts/standard-columns.ts';
import { defineTable } from '../table-parts/built-in-table.ts';

/**
 * An elastic table for tests to add: its key is the id together with the partition, which may be null.
 * Elastic tables have no calculated, money, file and customer columns.
 */
export const telemetry: TableDefinition = defineTable({
  schemaName: 'new_Telemetry',
  entitySetName: 'new_telemetries',
  objectTypeCode: 10_498,
  tableType: 'Elastic',
  displayName: ['Telemetry', 'Telemetrie'],
  displayCollectionName: ['Telemetry', 'Telemetrie'],
  columns: [
    primaryId('new_TelemetryId', ['Telemetry', 'Telemetrie']),
    text('new_Name', ['Name', 'Name'], 100, { isPrimaryName: true }),
    text('PartitionId', ['Partition Id', 'Partitions-ID'], 100),
    integer('TTLInSeconds', ['Time to live', 'Gültigkeitsdauer']),
    text('new_DeviceId', ['Device', 'Gerät'], 100),
    double('new_Value', ['Value', 'Wert']),
    memo('new_Payload', ['Payload', 'Nutzdaten'], { format: 'Json' }),
    dateTime('new_MeasuredOn', ['Measured On', 'Gemessen am']),
    ...ownerColumns(),
    ...auditColumns(),
  ],
});
