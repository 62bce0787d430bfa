import {
  publicationName,
  publishMirror,
  readerNamed,
  type MirrorPublication,
} from '../../../operations/downstream/publish-mirror.ts';
import { UsageError, type CommandContext } from '../../command.ts';
import { DatabaseSession } from '../../database-session.ts';
import { counted, fittedLines } from '../../output.ts';

export async function publication(context: CommandContext): Promise<number> {
  const { config, options, logger, print } = context;
  const reader = readerOption(options['for']);
  const name = nameOption(options['name'], publicationName(reader));
  if (reader === 'powersync' && name !== 'powersync') {
    throw new UsageError('PowerSync reads the publication powersync and no other. Leave --name out.');
  }
  return DatabaseSession.use(context, async (session) => {
    const choice = { entries: config.tables, leftOut: config.leftOut };
    const made = await publishMirror(await session.database(), choice, name, reader);
    if (made.walLevel !== 'logical') {
      logger.warn(
        { walLevel: made.walLevel },
        `Nobody can subscribe yet: the server's wal_level is ${made.walLevel}. An administrator has to run ALTER SYSTEM SET wal_level = 'logical'; and to restart the server.`,
      );
    }
    if (options['json'] === true) print(JSON.stringify(made, null, 2));
    else for (const line of publicationText(made, config.schema)) print(line);
    return 0;
  });
}

function readerOption(given: string | boolean | undefined): MirrorPublication['for'] {
  if (typeof given !== 'string') return null;
  const reader = readerNamed(given);
  if (reader === undefined) throw new UsageError(`--for is powersync, electric or zero, not ${given}.`);
  return reader;
}

/** PostgreSQL would cut a longer name. */
const MAX_BYTES = 63;

function nameOption(given: string | boolean | undefined, byDefault: string): string {
  if (typeof given !== 'string') return byDefault;
  if (given === '' || given.includes('\0') || Buffer.byteLength(given) > MAX_BYTES) {
    throw new UsageError(`--name needs a name of 1 to ${MAX_BYTES} bytes.`);
  }
  return given;
}

function publicationText(made: MirrorPublication, schema: string): string[] {
  const there = made.tables.filter(({ change }) => change !== 'removed');
  const names = (which: (table: MirrorPublication['tables'][number]) => boolean): string =>
    made.tables
      .filter(which)
      .map(({ table }) => table)
      .join(', ');
  return [
    ...fittedLines(
      `Publication ${made.publication} ${made.created ? 'is made and has' : 'has'} ${counted(there.length, 'table')} of schema ${schema}.`,
    ),
    ...list('Added', made.created ? '' : names(({ change }) => change === 'added')),
    ...list(
      'Removed',
      names(({ change }) => change === 'removed'),
    ),
    ...list(
      'Their replica identity is FULL now',
      names((table) => table.identityChanged && table.replicaIdentity === 'full'),
    ),
    ...made.leftOut.flatMap(({ table, why }) => fittedLines(`Left out: ${table}, because ${why}.`)),
  ];
}

/** Names under a title; nothing if there are none. */
function list(title: string, text: string): string[] {
  return text === '' ? [] : fittedLines(`${title}: ${text}`);
}
