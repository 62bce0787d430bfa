/** A trigger of ours that follows the changes of a mirror table. */
interface OwnTrigger {
  readonly name: string;
  readonly event: 'INSERT' | 'UPDATE' | 'DELETE';
  /** The changed rows, as CREATE TRIGGER names them. */
  readonly rows: string;
}

/** The tables in which PostgreSQL gives the changed rows to a trigger. */
export const OLD_ROWS = 'old_rows';
export const NEW_ROWS = 'new_rows';

/** The triggers that write the change log. They look at rows and change none. */
export const LOG_TRIGGERS: readonly OwnTrigger[] = [
  { name: 'mirrorverse_changes_insert', event: 'INSERT', rows: `NEW TABLE AS ${NEW_ROWS}` },
  {
    name: 'mirrorverse_changes_update',
    event: 'UPDATE',
    rows: `OLD TABLE AS ${OLD_ROWS} NEW TABLE AS ${NEW_ROWS}`,
  },
  { name: 'mirrorverse_changes_delete', event: 'DELETE', rows: `OLD TABLE AS ${OLD_ROWS}` },
];

/** SQL: the names of our triggers on changes of rows. */
export const OWN_TRIGGERS = LOG_TRIGGERS.map(({ name }) => `'${name}'`).join(', ');
