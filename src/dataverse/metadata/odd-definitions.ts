import { z } from 'zod';
import type { OddItem } from '../../model/table.ts';
import { isRecord } from '../http/api-error.ts';
import { hasNextLink } from '../page/page-envelope.ts';

/** "Query schema definitions using the Web API": all definitions come in one answer, which has no next link. */
export const definitionList = z
  .looseObject({ value: z.array(z.unknown()) })
  .refine((list) => !hasNextLink(list), 'the list has a next link, which lists of definitions never have');

/** A list of definitions as it was read. */
export interface ParsedDefinitions<T> {
  readonly items: readonly T[];
  /** Entries of another shape, or with the name of an earlier entry. */
  readonly odd: readonly OddItem[];
}

/**
 * Separates the usable definitions of a list from the odd ones. An environment has thousands of definitions,
 * and an odd one must not cost the others. Of several with one name, the first usable one counts.
 */
export function parseDefinitions<T extends { readonly LogicalName: string }>(
  values: readonly unknown[],
  shape: z.ZodType<T>,
): ParsedDefinitions<T> {
  const items = new Map<string, T>();
  const odd: OddItem[] = [];
  for (const value of values) {
    const parsed = shape.safeParse(value);
    if (!parsed.success) odd.push({ ...namesOf(value), reason: reasonOf(parsed.error) });
    else if (items.has(parsed.data.LogicalName)) {
      odd.push({ name: parsed.data.LogicalName, reason: 'its LogicalName comes twice' });
    } else items.set(parsed.data.LogicalName, parsed.data);
  }
  return { items: [...items.values()], odd };
}

/** The name of an odd definition in a sentence. */
export function nameOfOdd({ name, alias }: OddItem): string {
  return name ?? (alias === undefined ? 'one without a name' : `one without a LogicalName (${alias})`);
}

/** The first member that is odd, and why: `its EntitySetName: expected string, received number`. */
export function reasonOf(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'it is odd';
  const what = issue.message.replace(/^Invalid input: /, '');
  return issue.path.length === 0 ? `it is no definition: ${what}` : `its ${issue.path.join('.')}: ${what}`;
}

/** Members that identify a definition without a logical name. */
const ALIASES = ['EntitySetName', 'SchemaName', 'MetadataId'];

function namesOf(value: unknown): Pick<OddItem, 'name' | 'alias'> {
  const text = (member: string): string | undefined => {
    const found = isRecord(value) ? value[member] : undefined;
    return typeof found === 'string' && NAME.test(found) ? found : undefined;
  };
  const name = text('LogicalName');
  if (name !== undefined) return { name };
  const alias = ALIASES.map(text).find((each) => each !== undefined);
  return { name: null, ...(alias === undefined ? {} : { alias }) };
}

/** A Dataverse name or a GUID. The name is logged, and an odd entry may hold any other text in its place. */
const NAME = /^(?:[a-z_]\w{0,127}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;
