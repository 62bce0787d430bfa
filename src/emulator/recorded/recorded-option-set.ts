import { optionJson, optionSetJson, type Option, type OptionSet } from '../definitions/option-set.ts';
import {
  recordedMembers,
  listOf,
  membersOf,
  numberOf,
  textOf,
  recordedLabel,
  type Members,
} from './members.ts';

const TYPES: readonly OptionSet['type'][] = ['Picklist', 'State', 'Status', 'Boolean'];

/** A live option set, local or global; null if a column has none. */
export function recordedOptionSet(value: unknown): OptionSet | null {
  const live = membersOf(value);
  if (live === undefined) return null;
  const { Options: listed, TrueOption: yes, FalseOption: no, ...members } = live;
  const set: OptionSet = {
    name: textOf(live['Name']) ?? '',
    isGlobal: live['IsGlobal'] === true,
    type: TYPES.find((type) => type === live['OptionSetType']) ?? 'Picklist',
    displayName: recordedLabel(live['DisplayName']),
    options: [],
  };
  const options = [...listOf(listed), ...listOf([no, yes])].map((option) => recordedOption(option, set));
  return { ...set, options, recorded: recordedMembers(members, optionSetJson(set)) };
}

function recordedOption(live: Members, set: OptionSet): Option {
  const state = numberOf(live['State']);
  const defaultStatus = numberOf(live['DefaultStatus']);
  const color = textOf(live['Color']);
  const option: Option = {
    value: numberOf(live['Value']) ?? 0,
    label: recordedLabel(live['Label']) ?? { LocalizedLabels: [], UserLocalizedLabel: null },
    ...(color === null ? {} : { color }),
    ...(state === null ? {} : { state }),
    ...(defaultStatus === null ? {} : { defaultStatus }),
  };
  return { ...option, recorded: recordedMembers(live, optionJson(option, set)) };
}
