import type { Command } from './command.ts';

/**
 * Every command, as the help tells of it. What a command does is loaded only when the command is called: to load
 * all of them takes longer than most commands take to do their work.
 */
export const COMMANDS: readonly Command[] = [
  {
    name: 'run',
    usage: 'run',
    summary: 'the daemon: every configured table on its schedule, until SIGTERM or SIGINT',
    needs: { dataverse: true, postgres: true, tables: true },
    options: {},
    takesWords: false,
    load: async () => (await import('./commands/mirroring/run.ts')).run,
  },
  {
    name: 'sync',
    usage: 'sync [table...]',
    summary: 'one pass: brings the named tables, or all configured ones, up to date',
    needs: { dataverse: true, postgres: true, tables: true },
    options: {},
    takesWords: true,
    load: async () => (await import('./commands/mirroring/sync.ts')).sync,
  },
  {
    name: 'backfill',
    usage: 'backfill [table...] [--restart]',
    summary: 'one-off load with progress; resumes where it stopped; --restart re-baselines',
    needs: { dataverse: true, postgres: true, tables: true },
    options: { restart: { type: 'boolean' } },
    takesWords: true,
    load: async () => (await import('./commands/mirroring/backfill.ts')).backfill,
  },
  {
    name: 'status',
    usage: 'status',
    summary: 'each table: phase, rows, last success, lag, age of the delta link, last error',
    needs: { postgres: true },
    options: {},
    takesWords: false,
    load: async () => (await import('./commands/inspection/status.ts')).status,
  },
  {
    name: 'plan',
    usage: 'plan [table...] [--apply]',
    summary:
      'what the next run does to the mirror tables, and its API requests; --apply allows what waits for a yes',
    needs: { dataverse: true, postgres: true, tables: true },
    options: { apply: { type: 'boolean' } },
    takesWords: true,
    load: async () => (await import('./commands/inspection/plan.ts')).plan,
  },
  {
    name: 'quarantine',
    usage: 'quarantine [retry] [table...] | quarantine dismiss <table> [key...]',
    summary:
      'rows that could not be stored, and why; retry reads them again and stores what it can; dismiss removes entries that nobody can mend',
    needs: ([verb]) =>
      verb === 'retry' ? { dataverse: true, postgres: true, tables: true } : { postgres: true },
    options: {},
    takesWords: true,
    load: async () => (await import('./commands/control/quarantine.ts')).quarantine,
  },
  {
    name: 'check',
    usage: 'check',
    summary: 'proves the set-up: configuration, PostgreSQL, sign-in, tables, change tracking, privileges',
    needs: { dataverse: true, postgres: true, tables: true },
    options: {},
    takesWords: false,
    load: async () => (await import('./commands/inspection/check.ts')).check,
  },
  {
    name: 'tables',
    usage: 'tables',
    summary: "the environment's tables: which are mirrored, why others are not, change tracking, rows",
    needs: { dataverse: true },
    options: {},
    takesWords: false,
    load: async () => (await import('./commands/inspection/tables.ts')).tables,
  },
  {
    name: 'track',
    usage: 'track <table...>',
    summary:
      'turns change tracking on for the named tables and publishes them; needs the role System Customizer',
    needs: { dataverse: true },
    options: {},
    takesWords: true,
    load: async () => (await import('./commands/setup/track.ts')).track,
  },
  {
    name: 'migrate',
    usage: 'migrate',
    summary: 'brings the state schema up to date (run, sync and backfill do it too)',
    needs: { postgres: true },
    options: {},
    takesWords: false,
    load: async () => (await import('./commands/setup/migrate.ts')).migrate,
  },
  {
    name: 'demo',
    usage: 'demo',
    summary: 'emulator, embedded PostgreSQL and daemon together, with changing data, until Ctrl-C',
    needs: {},
    options: {},
    takesWords: false,
    load: async () => (await import('./commands/demo/demo.ts')).demo,
  },
  {
    name: 'emulator',
    usage: 'emulator [--port N] [--host H] [--rows N] [--changes N] [--definitions DIR]',
    summary:
      'the Dataverse emulator alone, until Ctrl-C; --changes: changes a second; --definitions: folder of recorded tables (JSON)',
    needs: {},
    options: {
      port: { type: 'string' },
      host: { type: 'string' },
      rows: { type: 'string' },
      changes: { type: 'string' },
      definitions: { type: 'string' },
    },
    takesWords: false,
    load: async () => (await import('./commands/demo/emulator.ts')).emulator,
  },
];
