import { KIND_FACTS, type AttributeKind } from '../definitions/attribute-kind.ts';
import { membersOf, textOf, type Members } from './members.ts';

const KINDS = Object.entries(KIND_FACTS) as [AttributeKind, (typeof KIND_FACTS)[AttributeKind]][];
const BY_TYPE_NAME: ReadonlyMap<string, AttributeKind> = new Map(
  KINDS.map(([kind, { typeName }]) => [typeName, kind]),
);
// Several kinds have the type `Virtual`. It means the plain kind unless another member says more.
const BY_TYPE: ReadonlyMap<string, AttributeKind> = new Map([
  ...KINDS.map(([kind, { attributeType }]) => [attributeType, kind] as const),
  ['Virtual', 'Virtual'],
]);
const BY_CAST: ReadonlyMap<string, AttributeKind> = new Map(
  KINDS.flatMap(([kind, { cast }]) => (cast === null || cast === 'Lookup' ? [] : [[cast, kind] as const])),
);

/**
 * The kind of a live attribute by its AttributeTypeName. A converted definition may lack it: then by AttributeType,
 * or by the derived type if that is `Virtual`. Unknown kinds, such as CalendarRules, become `Virtual`: metadata has
 * them, rows do not.
 */
export function recordedKind(attribute: Members): AttributeKind {
  const typeName = textOf(membersOf(attribute['AttributeTypeName'])?.['Value']);
  if (typeName !== null) return BY_TYPE_NAME.get(typeName) ?? 'Virtual';
  const type = textOf(attribute['AttributeType']) ?? 'Virtual';
  if (type !== 'Virtual') return BY_TYPE.get(type) ?? 'Virtual';
  const cast = /\.(\w+)AttributeMetadata$/.exec(textOf(attribute['@odata.type']) ?? '')?.[1] ?? '';
  return BY_CAST.get(cast) ?? 'Virtual';
}
