import type { CommandGroup } from '../../command.ts';

export const SETUP: CommandGroup = {
  title: 'Set up',
  commands: [
    {
      name: 'init',
      words: [],
      summary: 'asks for environment, sign-in, tables, database; writes the files',
      details:
        'It writes mirrorverse.yaml (or the file of --config) and .env.example beside it, and no secret into either. Then it runs check, and shows the plan of the first run. Options are answers: at a terminal they are suggested, with --yes nothing is asked.',
      ends: '0; 1 if nothing was written, or if check found something to do',
      options: {
        yes: { summary: 'asks nothing; --url is needed, or DATAVERSE_URL' },
        url: { value: 'ADDRESS', summary: 'address of the environment' },
        auth: { value: 'METHOD', summary: 'way to sign in (the AZURE_* variables decide)' },
        tables: { value: 'NAMES', summary: 'tables or patterns, with commas (the usual tables)' },
        database: { value: 'ADDRESS', summary: 'database, or embedded (DATABASE_URL, else embedded)' },
        force: { summary: 'overwrites files that are there' },
      },
      json: false,
      examples: ['init', 'init --yes --url https://contoso.crm.dynamics.com --tables lead'],
      needs: {},
      writesConfig: true,
      load: async () => (await import('./init.ts')).init,
    },
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
      name: 'nudge',
      words: ['register [table...]', 'status [table...]', 'remove [table...]'],
      summary: 'webhooks of the environment that tell the daemon of changes',
      details:
        '`nudge register` makes an endpoint and, for each table, the steps that post its changes to nudge.url. Run it again after nudge.url, the secret or the tables have changed. `nudge status` shows the steps, and how many calls failed. `nudge remove` removes the steps, and the endpoint with the last one. It needs the role System Customizer; the daemon does not.',
      ends: '0',
      json: true,
      examples: ['nudge register', 'nudge status account', 'nudge remove account'],
      needs: { dataverse: true },
      load: async () => (await import('../nudge/nudge.ts')).nudge,
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
