import { unknownProperty } from '../web-api/dataverse-error.ts';
import type { Expansion } from './expand-option.ts';

/** The selected members of a metadata body; the metadata id always comes along. */
export function selectMembers(
  all: Readonly<Record<string, unknown>>,
  select: readonly string[] | null,
  type: string,
): Record<string, unknown> {
  if (select === null) return { ...all };
  const body: Record<string, unknown> = {};
  for (const name of select) {
    if (!(name in all)) throw unknownProperty(name, type);
    body[name] = all[name];
  }
  body['MetadataId'] = all['MetadataId'];
  return body;
}

/** `(LogicalName,Attributes())` for the context url. */
export function contextMembers(select: readonly string[] | null, expansions: readonly Expansion[]): string {
  const expanded = expansions.map(({ name, select: members }) => `${name}(${members?.join(',') ?? ''})`);
  const all = [...(select ?? []), ...expanded];
  return all.length === 0 ? '' : `(${all.join(',')})`;
}
