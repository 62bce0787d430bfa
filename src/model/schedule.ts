/** In place of a cron expression: poll often while a table changes, and rarely while it does not. */
export const ADAPTIVE = 'adaptive';
