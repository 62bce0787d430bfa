import type { LabelJson, Recorded } from '../definitions/metadata-members.ts';
import { exactJson } from '../metadata/exact-json.ts';

/** A JSON object of unknown content. */
export type Members = Readonly<Record<string, unknown>>;

/** The value if it is a JSON object, otherwise undefined. */
export function membersOf(value: unknown): Members | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Members)
    : undefined;
}

/** The JSON objects in a list; an empty list for any other value. */
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

/** A live Label with all its languages; null if the value is no Label. */
export function recordedLabel(value: unknown): LabelJson | null {
  const label = membersOf(value);
  if (label === undefined || !('LocalizedLabels' in label)) return null;
  // The emulator serves the content unchanged, so only the outline is checked.
  return label as unknown as LabelJson;
}

/** The members of a live definition that the model lacks or has with another value. */
export function recordedMembers(
  live: Readonly<Record<string, unknown>>,
  modelled: Readonly<Record<string, unknown>>,
): Recorded {
  const different = Object.entries(live).filter(
    ([name, value]) => !(name in modelled) || exactJson(value) !== exactJson(modelled[name]),
  );
  return Object.fromEntries(different);
}
