import { z } from 'zod';
import type { OddItem } from '../../model/table.ts';
import { isRecord } from '../http/api-error.ts';
import { goesOn } from './members-beside.ts';

/** "Query schema definitions using the Web API": all definitions come in one answer, which has no next link. */
export const wholeList = z
  .looseObject({ value: z.array(z.unknown()) })
  .refine((list) => !goesOn(list), 'the list goes on elsewhere, as none of definitions does');

/** What a list of definitions came to. */
export interface Sorted<T> {
  readonly items: readonly T[];
  /** Those that are none, or of a name that an earlier one has. */
  readonly odd: readonly OddItem[];
}

/**
 * Sorts a list of definitions: one that is odd is no reason to do without the others, of which an
 * environment has thousands. Of several with one name the first that is whole stands.
 */
export function sortItems<T extends { readonly LogicalName: string }>(
  values: readonly unknown[],
  shape: z.ZodType<T>,
): Sorted<T> {
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

/** What to call an odd definition in a sentence. */
export function nameOfOdd({ name, alias }: OddItem): string {
  return name ?? (alias === undefined ? 'one without a name' : `one without a LogicalName (${alias})`);
}

/** The failure's first member and how it is odd, as `its EntitySetName: expected string, received number`. */
export function reasonOf(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'it is odd';
  const what = issue.message.replace(/^Invalid input: /, '');
  return issue.path.length === 0 ? `it is no definition: ${what}` : `its ${issue.path.join('.')}: ${what}`;
}

/** Members that tell a definition from others where it has no logical name. */
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

/** A name of Dataverse's, or a GUID. What is no definition may hold anything else in its place, and it is logged. */
const NAME = /^(?:[a-z_]\w{0,127}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;
