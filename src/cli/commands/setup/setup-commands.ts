import type { CommandGroup } from '../../command.ts';

export const SETUP: CommandGroup = {
  title: 'Set up',
  commands: [
    {
      name: 'track',
      words: ['<table...>'],
      summary: 'turns change tracking on for tables, and publishes them',
      details: 'It needs the role System Customizer. Nobody can turn change tracking off again.',
      ends: '0 if it is on for all, else 1',
      json: true,
      examples: ['track new_car', "track 'new_*'"],
      needs: { dataverse: true },
      load: async () => (await import('./track.ts')).track,
    },
    {
      name: 'migrate',
      words: [],
      summary: 'brings the state schema up to date',
      details: '`run`, `sync`, `backfill`, `plan --apply` and `quarantine retry` do this too.',
      ends: '0',
      json: false,
      examples: ['migrate'],
      needs: { postgres: true },
      load: async () => (await import('./migrate.ts')).migrate,
    },
  ],
};
