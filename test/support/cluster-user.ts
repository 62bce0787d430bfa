/** A process that uses the embedded cluster in argv[2] until its standard input ends. */
import { openEmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { FAST_SETTINGS } from './database-server.ts';

const directory = process.argv[2];
if (directory === undefined) throw new Error('usage: cluster-user.ts <directory>');
const server = await openEmbeddedPostgres({ directory, settings: FAST_SETTINGS });
process.stdout.write(`${server.url}\n`);
process.stdin.resume();
process.stdin.on('end', () => void server.release());
