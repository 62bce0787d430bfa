import type { CommandGroup } from '../../command.ts';

export const CONTROL: CommandGroup = {
  title: 'Steer',
  commands: [
    {
      name: 'quarantine',
      words: ['[table...]', 'retry [table...]', 'dismiss <table> [key...]'],
      summary: 'rows that could not be stored, and why',
      details:
        '`quarantine retry` reads these rows again and stores what it can. `quarantine dismiss` removes entries that nobody can mend: the named rows, or all rows of the table.',
      ends: '0; for retry 1 if a row is left',
      json: true,
      examples: ['quarantine account', 'quarantine retry', 'quarantine dismiss account 8e1f2c3d-…'],
      needs: ([verb]) =>
        verb === 'retry' ? { dataverse: true, postgres: true, tables: true } : { postgres: true },
      load: async () => (await import('./quarantine.ts')).quarantine,
    },
  ],
};
