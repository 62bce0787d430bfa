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
    {
      name: 'publication',
      words: [],
      summary: 'makes and keeps a publication of the mirror tables',
      details:
        'It has the mirror tables of the configured tables, and none of the daemon. From then on every process of mirrorverse brings new mirror tables into it. Call it again after tables left the configuration. DROP PUBLICATION takes it away.',
      ends: '0; 1 if a right is missing, or if no table is mirrored yet',
      options: {
        for: {
          value: 'READER',
          summary: 'powersync, electric or zero: the name and form that it wants',
        },
        name: { value: 'NAME', summary: 'name of the publication (mirrorverse)' },
      },
      json: true,
      examples: ['publication', 'publication --for electric', 'publication --name reports'],
      needs: { postgres: true, tables: true },
      load: async () => (await import('./publication.ts')).publication,
    },
  ],
};
