import { unknownProperty, badRequest } from '../web-api/dataverse-error.ts';

/** The selected members of a metadata body, always with the metadata id. */
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

/** One member of an `$expand`, and its `$select` in brackets if it has one. */
export interface Expansion {
  readonly name: string;
  readonly select: readonly string[] | null;
}

/** Reads `$expand=Attributes($select=LogicalName,AttributeType),OptionSet`. Other nested options are refused. */
export function parseExpand(text: string | undefined): Expansion[] {
  if (text === undefined) return [];
  return splitOutsideBrackets(text).map((part) => {
    const match = /^(\w+)(?:\(\$select=([\w,\s]+)\))?$/.exec(part.trim());
    if (match === null) throw badRequest(`Syntax error in $expand: '${part}'.`);
    const select = match[2]?.split(',').map((name) => name.trim()) ?? null;
    return { name: match[1] ?? '', select };
  });
}

function splitOutsideBrackets(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charAt(index);
    if (char === '(') depth += 1;
    else if (char === ')') depth -= 1;
    else if (char === ',' && depth === 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  return [...parts, text.slice(start)];
}
