/** A trigger of ours that follows the changes of a mirror table. */
export interface OwnTrigger {
  readonly name: string;
  readonly event: 'INSERT' | 'UPDATE' | 'DELETE';
  /** The changed rows, as CREATE TRIGGER names them. */
  readonly rows: string;
}

/** The tables in which PostgreSQL gives the changed rows to a trigger. */
export const OLD_ROWS = 'old_rows';
export const NEW_ROWS = 'new_rows';

/** The triggers that write the change log. They look at rows and change none. */
export const LOG_TRIGGERS = triggersOf('mirrorverse_changes');
/** The triggers that write the history. They look at rows and change none. */
export const HISTORY_TRIGGERS = triggersOf('mirrorverse_history');

/** SQL: the names of triggers. */
export function namesOf(triggers: readonly OwnTrigger[]): string {
  return triggers.map(({ name }) => `'${name}'`).join(', ');
}

/** SQL: the names of our triggers on changes of rows. */
export const OWN_TRIGGERS = namesOf([...LOG_TRIGGERS, ...HISTORY_TRIGGERS]);

/** Each event has a trigger of its own, because PostgreSQL gives changed rows only to triggers with one event. */
function triggersOf(name: string): readonly OwnTrigger[] {
  return [
    { name: `${name}_insert`, event: 'INSERT', rows: `NEW TABLE AS ${NEW_ROWS}` },
    {
      name: `${name}_update`,
      event: 'UPDATE',
      rows: `OLD TABLE AS ${OLD_ROWS} NEW TABLE AS ${NEW_ROWS}`,
    },
    { name: `${name}_delete`, event: 'DELETE', rows: `OLD TABLE AS ${OLD_ROWS}` },
  ];
}
