import type { LabelJson } from '../definitions/localized-label.ts';
import { membersOf } from './members.ts';

/** A live Label with whatever languages it has, or null where there is none. */
export function recordedLabel(value: unknown): LabelJson | null {
  const label = membersOf(value);
  if (label === undefined || !('LocalizedLabels' in label)) return null;
  // What it holds goes back out as it came in; only its outline is relied on.
  return label as unknown as LabelJson;
}
