import { exactJson } from '../metadata/exact-json.ts';

/** Members of a live definition that the model has no field for; served as they were recorded. */
export type Recorded = Readonly<Record<string, unknown>>;

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
