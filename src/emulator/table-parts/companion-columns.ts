import { isLookupKind } from '../definitions/attribute-kind.ts';
import type { Column } from '../definitions/column.ts';
import { column } from './column-kinds.ts';

/**
 * Adds the attributes that the platform keeps beside a column. Label companions (`…name`, `…yominame`, `…type`) are
 * in metadata but not in OData. The helpers of image and file columns are in both.
 */
export function withCompanions(columns: readonly Column[]): Column[] {
  const all: Column[] = [];
  for (const each of columns) all.push(...companionsBefore(each), each, ...companionsAfter(each));
  return all;
}

function companionsBefore(owner: Column): Column[] {
  if (owner.kind !== 'Image') return [];
  // As in a live organization, the image and its other companions name the id as the attribute they belong to.
  return [column('Uniqueidentifier', `${owner.schemaName}Id`, null, { sourceType: null, isLogical: true })];
}

function companionsAfter(owner: Column): Column[] {
  const { schemaName, logicalName } = owner;
  if (owner.kind === 'Image') {
    const family = { attributeOf: `${logicalName}id`, isLogical: true };
    return [
      column('BigInt', `${schemaName}_Timestamp`, null, {
        ...family,
        minValue: '-9223372036854775808',
        maxValue: '9223372036854775807',
      }),
      column('String', `${schemaName}_URL`, null, { ...family, maxLength: 200, format: 'Url' }),
    ];
  }
  if (owner.kind === 'File') {
    return [
      column('String', `${schemaName}_Name`, null, {
        attributeOf: logicalName,
        isLogical: true,
        maxLength: 200,
      }),
    ];
  }
  const hidden = { attributeOf: logicalName, isLogical: true, isValidODataAttribute: false };
  if (isLookupKind(owner.kind)) {
    const names = [
      column('String', `${schemaName}Name`, null, { ...hidden, maxLength: 100 }),
      column('String', `${schemaName}YomiName`, null, { ...hidden, maxLength: 100 }),
    ];
    if (owner.targets.length > 1) {
      names.push(
        column('EntityName', `${schemaName}Type`, null, { ...hidden, isLogical: false, sourceType: null }),
      );
    }
    return names;
  }
  return owner.optionSet === null
    ? []
    : [column('Virtual', `${schemaName}Name`, null, { ...hidden, sourceType: null })];
}
