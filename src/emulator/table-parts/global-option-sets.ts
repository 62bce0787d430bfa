import type { OptionSet } from '../definitions/option-set.ts';

/** A global choice shared by accounts and contacts. */
export const REGION: OptionSet = {
  name: 'new_region',
  isGlobal: true,
  type: 'Picklist',
  displayName: ['Region', 'Region'],
  options: [
    { value: 100000000, label: ['North', 'Nord'], color: '#0070c0' },
    { value: 100000001, label: ['South', 'Süd'], color: '#00b050' },
    { value: 100000002, label: ['East', 'Ost'] },
    { value: 100000003, label: ['West', 'West'] },
  ],
};

/** A global choice used by columns of several values. */
export const OUTDOOR_ACTIVITIES: OptionSet = {
  name: 'new_outdooractivities',
  isGlobal: true,
  type: 'Picklist',
  displayName: ['Outdoor Activities', 'Aktivitäten im Freien'],
  options: [
    { value: 1, label: ['Swimming', 'Schwimmen'] },
    { value: 2, label: ['Hiking', 'Wandern'] },
    { value: 8, label: ['Skiing', 'Skifahren'] },
    { value: 9, label: ['Camping', 'Zelten'] },
    { value: 100000010, label: ['Fishing', 'Angeln'] },
  ],
};
