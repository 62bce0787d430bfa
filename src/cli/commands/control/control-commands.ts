import type { CommandGroup } from '../../command.ts';

export const CONTROL: CommandGroup = {
  title: 'Steer',
  commands: [
    {
      name: 'pause',
      words: ['<table...>'],
      summary: 'stops tables after the page under way, until they are resumed',
      details:
        'Every process obeys within 5 s, in a baseline too. Without an end, a pause ends by itself before the delta link of the table expires. A table without a delta link, as during a first load, stays paused.',
      ends: '0; 1 for a table that is not mirrored',
      options: {
        for: { value: 'DURATION', summary: 'how long, such as 30m, 2h or 3d' },
        until: { value: 'TIME', summary: "until when, such as '2027-01-31 18:00' or with a Z for UTC" },
        reason: { value: 'TEXT', summary: 'why, for others who look at the status' },
      },
      json: true,
      examples: ['pause account', "pause account contact --for 2h --reason 'import under way'"],
      needs: { postgres: true },
      load: async () => (await import('./table-acts.ts')).pause,
    },
    {
      name: 'resume',
      words: ['<table...>'],
      summary: 'lets paused tables go on where they stopped',
      ends: '0; 1 for a table that is not mirrored',
      json: true,
      examples: ['resume account', "resume '*'"],
      needs: { postgres: true },
      load: async () => (await import('./table-acts.ts')).resume,
    },
    {
      name: 'resync',
      words: ['<table...>'],
      summary: 'asks for a new baseline over the rows that are there',
      details:
        'The process that runs the table begins it within 5 s. `backfill --restart` loads the table itself.',
      ends: '0; 1 for a table that is not mirrored',
      json: true,
      examples: ['resync account'],
      needs: { postgres: true },
      load: async () => (await import('./table-acts.ts')).resync,
    },
    {
      name: 'forget',
      words: ['<table...>'],
      summary: 'removes what is kept of tables that are no longer configured',
      details:
        'The mirror table stays, and so do its views and labels, unless you give --drop. Nothing happens if one of the tables is still configured, or if a process is writing it.',
      ends: '0; 1 for a table that is configured or not known',
      options: { drop: { summary: 'also drops the mirror tables, with their views and labels' } },
      json: true,
      examples: ['forget lead', 'forget lead --drop'],
      needs: { postgres: true, tables: true },
      load: async () => (await import('./forget.ts')).forget,
    },
    {
      name: 'erase',
      words: ['<table> <key>'],
      summary: 'removes what is kept of a row beside the mirror table',
      details:
        'It removes the row from the change log, the history, quarantine, dead letters and differences, and a row that is marked deleted from the mirror table. A row that the environment still has stays in the mirror table: delete it there first.',
      ends: '0; 1 for a table that is not known',
      json: true,
      examples: ['erase contact 8e1f2c3d-0000-4000-8000-000000000001'],
      needs: { postgres: true },
      load: async () => (await import('./erase.ts')).erase,
    },
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
