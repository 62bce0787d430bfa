import type { CommandGroup } from '../../command.ts';

export const DOWNSTREAM: CommandGroup = {
  title: 'Hand on',
  commands: [
    {
      name: 'dbt',
      words: [],
      summary: 'writes dbt sources with descriptions, freshness and tests',
      details:
        'The file describes the mirror tables of the configured tables as the database has them. It asks nothing of the environment. dbt 1.10.5 and later read it. Without --out it goes to standard output. Run it again after tables or columns changed.',
      ends: '0; 1 if no table is mirrored yet',
      options: { out: { value: 'DIR', summary: 'writes sources.yml into this folder' } },
      json: false,
      examples: ['dbt', 'dbt --out models/dataverse'],
      needs: { postgres: true, tables: true },
      load: async () => (await import('./dbt.ts')).dbt,
    },
  ],
};
