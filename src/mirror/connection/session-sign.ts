/**
 * What a session has done last, as SQL: it changes with a statement, a state, a piece of a COPY. `a` is
 * its row of `pg_stat_activity`, `c` that of `pg_stat_progress_copy`.
 */
export const SESSION_SIGN = `concat_ws(' ', a.backend_start, a.xact_start, a.query_start, a.state_change, c.bytes_processed)`;
