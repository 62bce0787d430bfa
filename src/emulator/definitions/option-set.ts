import { labelJson, userText, stableGuid, type LocalizedText, type Recorded } from './metadata-members.ts';

/** One choice. `state` belongs to Status options, `defaultStatus` to State options. */
export interface Option {
  readonly value: number;
  readonly label: LocalizedText;
  readonly color?: string;
  readonly state?: number;
  readonly defaultStatus?: number;
  readonly recorded?: Recorded;
}

export interface OptionSet {
  readonly name: string;
  readonly isGlobal: boolean;
  readonly type: 'Picklist' | 'State' | 'Status' | 'Boolean';
  readonly displayName: LocalizedText | null;
  readonly options: readonly Option[];
  readonly recorded?: Recorded;
}

/** An option set in the shape of `$expand=OptionSet`. */
export function optionSetJson(set: OptionSet): Record<string, unknown> {
  const common = {
    MetadataId: stableGuid(`optionset:${set.name}`),
    HasChanged: null,
    IsCustomOptionSet: set.name.startsWith('new_'),
    IsGlobal: set.isGlobal,
    IsManaged: true,
    Name: set.name,
    ExternalTypeName: null,
    OptionSetType: set.type,
    IntroducedVersion: '5.0.0.0',
  };
  const texts = {
    Description: labelJson(null, set.name),
    DisplayName: labelJson(set.displayName, `optionset:${set.name}`),
    IsCustomizable: { Value: true, CanBeChanged: false, ManagedPropertyLogicalName: 'iscustomizable' },
    ...set.recorded,
  };
  if (set.type === 'Boolean') {
    const find = (value: number): Record<string, unknown> | null => {
      const option = set.options.find((candidate) => candidate.value === value);
      return option === undefined ? null : optionJson(option, set);
    };
    return { ...common, ...texts, TrueOption: find(1), FalseOption: find(0) };
  }
  return {
    ...common,
    ParentOptionSetName: null,
    ...texts,
    Options: set.options.map((option) => optionJson(option, set)),
  };
}

/** An option in the shape it has within its set. */
export function optionJson(option: Option, set: OptionSet): Record<string, unknown> {
  const typeTag =
    set.type === 'State' || set.type === 'Status'
      ? { '@odata.type': `#Microsoft.Dynamics.CRM.${set.type}OptionMetadata` }
      : {};
  const extra =
    set.type === 'State'
      ? { DefaultStatus: option.defaultStatus ?? 1, InvariantName: userText(option.label) }
      : set.type === 'Status'
        ? { State: option.state ?? 0, TransitionData: null }
        : {};
  return {
    ...typeTag,
    Value: option.value,
    Color: option.color ?? null,
    IsManaged: true,
    ExternalValue: null,
    ParentValues: [],
    Tag: null,
    IsHidden: false,
    MetadataId: null,
    HasChanged: null,
    ...extra,
    Label: labelJson(option.label, `option:${set.name}:${option.value}`),
    Description: labelJson(null, ''),
    ...option.recorded,
  };
}
