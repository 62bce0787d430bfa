import type { Table } from '../../model/table.ts';
import { columnsOf, type Attribute } from './columns.ts';
import type { TypeProperties } from './csdl.ts';
import type { DefinitionReader } from './definition-reader.ts';
import { checkReadable, tableOf } from './mirrorable-table.ts';
import {
  attributeDefinition,
  ATTRIBUTE_SELECT,
  dateTimeDetail,
  lookupDetail,
  type EntityDefinition,
} from './table-definition.ts';

/** A table, and all its attributes with the reason why one makes no column. */
export interface DescribedTable {
  readonly table: Table;
  readonly attributes: readonly Attribute[];
}

/**
 * Reads the attributes of a table, by three requests.
 *
 * @param csdl what the CSDL declares; undefined if the environment refuses to show it.
 * @throws Failure
 */
export async function readTable(
  reader: DefinitionReader,
  definition: EntityDefinition,
  csdl: Promise<TypeProperties | undefined>,
  signal: AbortSignal,
): Promise<DescribedTable> {
  const mirrorable = checkReadable(definition);
  const { LogicalName: name } = definition;
  const path = `EntityDefinitions(LogicalName='${encodeURIComponent(name)}')/Attributes`;
  const about = { table: name };
  const cast = `${path}/Microsoft.Dynamics.CRM`;
  const [attributes, lookups, dates, declared] = await Promise.all([
    reader.list(`${path}?$select=${ATTRIBUTE_SELECT.join(',')}`, attributeDefinition, signal, about),
    reader.list(`${cast}.LookupAttributeMetadata?$select=LogicalName,Targets`, lookupDetail, signal, about),
    reader.list(
      `${cast}.DateTimeAttributeMetadata?$select=LogicalName,DateTimeBehavior`,
      dateTimeDetail,
      signal,
      about,
    ),
    csdl,
  ]);
  const properties = declared?.get(name);
  const {
    columns,
    attributes: described,
    odd,
    assumed,
  } = columnsOf(
    name,
    attributes,
    {
      targets: new Map(lookups.items.map((lookup) => [lookup.LogicalName, lookup.Targets ?? []])),
      behaviors: new Map(dates.items.map((date) => [date.LogicalName, date.DateTimeBehavior?.Value ?? ''])),
      odd: [...lookups.odd, ...dates.odd],
    },
    properties,
  );
  const table: Table = {
    ...tableOf(definition, mirrorable, columns, odd),
    ...(odd.length === 0 ? {} : { odd }),
    ...(assumed.length === 0 ? {} : { assumed }),
    ...(properties === undefined ? { byFlags: true } : {}),
  };
  return { table, attributes: described };
}

/** Whether the environment told everything about the table, so that nothing has to be asked again. */
export function isWhole({ odd = [], assumed = [], byFlags }: Table): boolean {
  return odd.length === 0 && assumed.length === 0 && byFlags !== true;
}
