import type { CommandGroup } from '../../command.ts';

export const INSPECTION: CommandGroup = {
  title: 'Look',
  commands: [
    {
      name: 'status',
      words: ['[table...]'],
      summary: 'the whole in a line, then each table: phase, rows, load, error',
      details: 'What needs somebody comes first. The lines fit the terminal. NO_COLOR turns colours off.',
      ends: '0',
      options: {
        wide: { summary: 'with requests and delta links, in long lines' },
        watch: { summary: 'shows it anew every 2 seconds until Ctrl-C' },
      },
      json: true,
      examples: ['status', 'status account contact --wide', 'status --watch', 'status --json'],
      needs: { postgres: true },
      load: async () => (await import('./status.ts')).status,
    },
    {
      name: 'check',
      words: [],
      summary: 'proves the set-up; each finding has its remedy',
      details:
        'It tries the configuration, PostgreSQL and its grants, the sign-in, and of each table the change tracking and the privileges. It changes nothing.',
      ends: '0 if all is good, else 1',
      json: true,
      examples: ['check'],
      needs: { dataverse: true, postgres: true, tables: true },
      load: async () => (await import('./check.ts')).check,
    },
    {
      name: 'plan',
      words: ['[table...]'],
      summary: 'what the next run does to the mirror tables, and its API requests',
      details: 'It changes nothing without --apply.',
      ends: '0; 1 if a table cannot be mirrored, or if the policy refuses a change other than a new column',
      options: {
        apply: { summary: 'allows what waits for a yes' },
        sql: { summary: 'shows the statements on the mirror tables too' },
      },
      json: true,
      examples: ['plan', 'plan account --sql', 'plan account --apply'],
      needs: { dataverse: true, postgres: true, tables: true },
      load: async () => (await import('./plan.ts')).plan,
    },
    {
      name: 'tables',
      words: [],
      summary: 'tables of the environment: which are mirrored, why others are not',
      ends: '0',
      json: true,
      examples: ['tables'],
      needs: { dataverse: true },
      load: async () => (await import('./tables.ts')).tables,
    },
    {
      name: 'columns',
      words: ['<table>'],
      summary: 'attributes of a table: type, mirror column, why one is left out',
      details:
        'The table need not be configured, and PostgreSQL is not needed. Languages are codes such as 1033 for English.',
      ends: '0; 1 if the environment has no such table',
      json: true,
      examples: ['columns account', 'columns account --json'],
      needs: { dataverse: true },
      load: async () => (await import('./table-columns.ts')).columns,
    },
    {
      name: 'get',
      words: ['<path>'],
      summary: 'sends one GET to the environment and prints the answer',
      details:
        'The path stands under /api/data/v9.2/, or begins with /api/. FetchXML behind fetchXml= may be written as it is. The request goes through sign-in and budget, and only to the configured environment. Tokens in links are cut. An answer larger than limits.pageBytes is refused.',
      ends: '0 for an answer of success (2xx), else 1',
      options: {
        annotations: { summary: 'with formatted values, names of lookups and other annotations' },
        'page-size': { value: 'N', summary: 'rows in the answer at most (5000)' },
      },
      json: true,
      examples: [
        'get WhoAmI',
        "get 'accounts?$select=name,revenue&$top=3' --annotations",
        `get 'teams?fetchXml=<fetch top="3"><entity name="team"/></fetch>'`,
      ],
      needs: { dataverse: true },
      load: async () => (await import('./get.ts')).get,
    },
  ],
};
