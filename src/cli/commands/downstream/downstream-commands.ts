import type { CommandGroup } from '../../command.ts';

export const DOWNSTREAM: CommandGroup = {
  title: 'Hand on',
  commands: [
    {
      name: 'dbt',
      words: [],
      summary: 'writes dbt sources with descriptions, freshness and tests',
      details:
        'The file describes the mirror tables of the configured tables as the database has them. The command asks nothing of the environment. dbt 1.10.5 and later read the file. Without --out the text goes to standard output. Run the command again after tables or columns changed.',
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
        'The publication has the mirror tables of the configured tables, and no table of the daemon. Afterwards every process of mirrorverse adds new mirror tables to the publication. Run the command again after tables left the configuration. DROP PUBLICATION removes the publication.',
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
