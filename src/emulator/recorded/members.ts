import type { LabelJson, Recorded } from '../definitions/metadata-members.ts';
import { exactJson } from '../metadata/exact-json.ts';

/** A JSON object of unknown content. */
export type Members = Readonly<Record<string, unknown>>;

/** The value as a JSON object, or undefined when it is none. */
export function membersOf(value: unknown): Members | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Members)
    : undefined;
}

/** The JSON objects of a list; none when it is no list. */
export function listOf(value: unknown): Members[] {
  if (!Array.isArray(value)) return [];
  return value.map(membersOf).filter((each) => each !== undefined);
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** A number that JavaScript holds exactly, such as an option's value. */
export function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/** A plain flag, or the value of a managed property. */
export function flagOf(value: unknown): boolean | null {
  const plain = membersOf(value)?.['Value'] ?? value;
  return typeof plain === 'boolean' ? plain : null;
}

/** A live Label with whatever languages it has, or null where there is none. */
export function recordedLabel(value: unknown): LabelJson | null {
  const label = membersOf(value);
  if (label === undefined || !('LocalizedLabels' in label)) return null;
  // What it holds goes back out as it came in; only its outline is relied on.
  return label as unknown as LabelJson;
}

/** What a live definition says that the model would not say by itself. */
export function recordedMembers(
  live: Readonly<Record<string, unknown>>,
  modelled: Readonly<Record<string, unknown>>,
): Recorded {
  const different = Object.entries(live).filter(
    ([name, value]) => !(name in modelled) || exactJson(value) !== exactJson(modelled[name]),
  );
  return Object.fromEntries(different);
}
