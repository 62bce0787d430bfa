import type { CommandGroup } from '../../command.ts';

const ALL_UP_TO_DATE =
  '0 if all tables are up to date and no row is in quarantine (dismissed rows do not count), else 1';

export const MIRRORING: CommandGroup = {
  title: 'Mirror',
  commands: [
    {
      name: 'run',
      words: [],
      summary: 'the daemon: every table on its schedule, until SIGTERM or SIGINT',
      ends: '0 after a clean stop',
      json: false,
      examples: ['run', 'run --config /etc/mirrorverse.yaml'],
      needs: { dataverse: true, postgres: true, tables: true },
      load: async () => (await import('./run.ts')).run,
    },
    {
      name: 'sync',
      words: ['[table...]'],
      summary: 'one pass: brings the tables up to date; a baseline where needed',
      details: 'Without names it takes every configured table. A name may be a pattern.',
      ends: ALL_UP_TO_DATE,
      json: true,
      examples: ['sync', "sync account 'new_*'"],
      needs: { dataverse: true, postgres: true, tables: true },
      load: async () => (await import('./sync.ts')).sync,
    },
    {
      name: 'backfill',
      words: ['[table...]'],
      summary: 'one-off load with progress; resumes where it stopped',
      details: 'Without names it takes every configured table. A name may be a pattern.',
      ends: ALL_UP_TO_DATE,
      options: { restart: { summary: 'loads all rows anew, over the rows that are there' } },
      json: true,
      examples: ['backfill', 'backfill account --restart'],
      needs: { dataverse: true, postgres: true, tables: true },
      load: async () => (await import('./backfill.ts')).backfill,
    },
  ],
};
