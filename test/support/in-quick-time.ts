import { join } from 'node:path';

/** How many times as fast time passes for a command in {@link QUICK_TIME}. */
export const QUICKER = 4;

/** Environment of a command that waits more than it works; see quick-time.ts. */
export const QUICK_TIME = { NODE_OPTIONS: `--import ${join(import.meta.dirname, 'quick-time.ts')}` };
