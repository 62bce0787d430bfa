import type { Column } from '../definitions/column.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';
import {
  bool,
  choice,
  column,
  dateTime,
  guid,
  integer,
  lookup,
  memo,
  text,
} from '../table-parts/column-kinds.ts';
import { auditColumns, ownerColumns, primaryId, stateColumns } from '../table-parts/standard-columns.ts';
import { defineTable } from '../table-parts/built-in-table.ts';

const TABLE = 'task';

/** Columns that the CSDL declares on activitypointer. Metadata calls them invalid for OData, but rows carry them. */
function inherited(columns: readonly Column[]): Column[] {
  return columns.map((each) => ({ ...each, isInherited: true, isValidODataAttribute: false }));
}

const NOT_INHERITED = new Set(['overriddencreatedon', 'importsequencenumber']);
const audit = auditColumns();

export const task: TableDefinition = defineTable({
  schemaName: 'Task',
  entitySetName: 'tasks',
  objectTypeCode: 4212,
  baseType: 'activitypointer',
  displayName: ['Task', 'Aufgabe'],
  displayCollectionName: ['Tasks', 'Aufgaben'],
  description: [
    'Generic activity representing work needed to be done.',
    'Allgemeine Aktivität, die zu erledigende Arbeit darstellt.',
  ],
  columns: [
    ...inherited([
      primaryId('ActivityId', ['Task', 'Aufgabe']),
      text('Subject', ['Subject', 'Betreff'], 200, {
        isPrimaryName: true,
        requiredLevel: 'ApplicationRequired',
      }),
      memo('Description', ['Description', 'Beschreibung']),
      column('EntityName', 'ActivityTypeCode', ['Activity Type', 'Aktivitätstyp'], { sourceType: null }),
      integer('ActualDurationMinutes', ['Duration', 'Dauer'], { format: 'Duration' }),
      integer('ScheduledDurationMinutes', ['Scheduled Duration', 'Geplante Dauer'], { format: 'Duration' }),
      dateTime('ScheduledStart', ['Start Date', 'Startdatum']),
      dateTime('ScheduledEnd', ['Due Date', 'Fälligkeitsdatum']),
      dateTime('ActualEnd', ['Actual End', 'Tatsächliches Ende']),
      bool(TABLE, 'IsBilled', ['Is Billed', 'Wird berechnet']),
      bool(TABLE, 'IsRegularActivity', ['Is Regular Activity', 'Regelmäßige Aktivität']),
      choice(
        TABLE,
        'PriorityCode',
        ['Priority', 'Priorität'],
        [
          { value: 0, label: ['Low', 'Niedrig'] },
          { value: 1, label: ['Normal', 'Normal'] },
          { value: 2, label: ['High', 'Hoch'] },
        ],
      ),
      lookup(
        'RegardingObjectId',
        ['Regarding', 'Bezug'],
        ['account', 'contact', 'lead', 'opportunity', 'incident'],
      ),
      ...ownerColumns(),
      ...stateColumns(
        TABLE,
        [
          { value: 0, label: ['Open', 'Offen'], defaultStatus: 2 },
          { value: 1, label: ['Completed', 'Abgeschlossen'], defaultStatus: 5 },
          { value: 2, label: ['Canceled', 'Abgebrochen'], defaultStatus: 6 },
        ],
        [
          { value: 2, label: ['Not Started', 'Nicht begonnen'], state: 0 },
          { value: 3, label: ['In Progress', 'In Bearbeitung'], state: 0 },
          { value: 5, label: ['Completed', 'Abgeschlossen'], state: 1 },
          { value: 6, label: ['Canceled', 'Abgebrochen'], state: 2 },
        ],
      ),
      ...audit.filter((each) => !NOT_INHERITED.has(each.logicalName)),
    ]),
    ...audit.filter((each) => NOT_INHERITED.has(each.logicalName)),
    text('Category', ['Category', 'Kategorie'], 250),
    text('Subcategory', ['Sub-Category', 'Unterkategorie'], 250),
    integer('PercentComplete', ['Percent Complete', 'Prozent abgeschlossen'], {
      minValue: '0',
      maxValue: '100',
    }),
    guid('CrmTaskAssignedUniqueId', ['Assigned Task Unique Id', 'Eindeutige ID der Aufgabe']),
  ],
});
