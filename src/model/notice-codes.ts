/** Codes of what is told while the work goes on, each with its meaning and what a person does about it. */
export const NOTICE_CODES = {
  'column-odd': [
    'The definition of a column makes no sense, so the column is not mirrored.',
    'Correct the column in the environment, or add it to columns.exclude of its table.',
  ],
  'day-spent': [
    'The requests that limits.requestsPerDay allows in 24 hours are spent. Loads and verification wait; changes go on.',
    'Nothing to do: loads and verification go on as the requests of yesterday leave the 24 hours. If the environment may take more, raise limits.requestsPerDay.',
  ],
  'drift-pending': [
    'The table has changed at the source, and a change waits for a yes.',
    '`mirrorverse plan <table>` shows the change. `mirrorverse plan <table> --apply` allows it.',
  ],
  'link-ageing': [
    'Tables are polled so seldom that their delta links may expire.',
    'Look at `mirrorverse status`, and give the tables a schedule with more ticks.',
  ],
  'metadata-unread': [
    'The definition of the table cannot be read now. The table goes on as it was known.',
    'Run `mirrorverse check`. mirrorverse follows changes of columns after the definition can be read again.',
  ],
  'not-loaded': [
    'Configured tables have not been loaded completely yet. `/readyz?loaded` says so.',
    'Wait: the daemon loads the tables. `mirrorverse status` shows how far it is, and why a table stands still.',
  ],
  'nudge-impossible': [
    'The environment has no webhooks for the changes of a table, as for tables of N:N relationships and many virtual tables.',
    'Nothing to do: the schedule of the table polls it. A shorter `schedule` brings its changes sooner.',
  ],
  'settings-differ': [
    'Two processes mirror a table with different settings.',
    'Give both processes the same settings for the table, or stop one of them.',
  ],
  starting: ['The process is opening the database and the environment.', 'Nothing to do.'],
  stopping: ['The process is stopping.', 'Nothing to do.'],
  throttled: [
    'The environment asked mirrorverse to send no requests for a while.',
    'Nothing to do: mirrorverse goes on by itself. If this comes often, lower limits.requestsPer5Minutes or limits.concurrency.',
  ],
} as const;
