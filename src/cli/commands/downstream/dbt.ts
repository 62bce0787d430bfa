import { environmentAddress } from '../../../dataverse/environment-address.ts';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  assertSomeMirrored,
  readConfiguredMirror,
} from '../../../operations/downstream/configured-mirror.ts';
import { dbtSources } from '../../../operations/downstream/dbt-sources.ts';
import { UsageError, type CommandContext } from '../../command.ts';
import { DatabaseSession } from '../../database-session.ts';
import { counted } from '../../output.ts';
import { ResultFile, whyUnwritable } from '../../result-file.ts';

/** The first line of the file, by which the next call knows the file as ours. */
const HEADING = '# Written by `mirrorverse dbt`, which overwrites it.';

export async function dbt(context: CommandContext): Promise<number> {
  const { config, options, logger, print } = context;
  const { out } = options;
  if (out === '') throw new UsageError('--out needs the name of a folder.');
  return DatabaseSession.use(context, async (session) => {
    const choice = { entries: config.tables, leftOut: config.leftOut };
    const { missing, ...mirror } = await readConfiguredMirror(await session.database(), choice);
    assertSomeMirrored(mirror.tables, config.schema);
    const { stringify } = await import('yaml');
    const url = config.dataverse === undefined ? undefined : environmentAddress(config.dataverse.url);
    const document = dbtSources(mirror, { schema: config.schema, url });
    const text = `${HEADING}\n${stringify(document, { lineWidth: 0 })}`;
    if (missing.length > 0) {
      logger.warn(
        { tables: missing },
        `Left out, because there is no mirror table yet: ${missing.join(', ')}. \`mirrorverse sync\` makes it.`,
      );
    }
    if (typeof out !== 'string') {
      print(text.trimEnd());
      return 0;
    }
    const path = join(out, 'sources.yml');
    await write(out, path, text);
    print(`${path} has ${counted(mirror.tables.length, 'table')}.`);
    return 0;
  });
}

/** @throws UsageError if the folder cannot be made, or if somebody else wrote the file. */
async function write(folder: string, path: string, text: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new UsageError(`--out ${folder} cannot be made: ${whyUnwritable(error)}.`);
  }
  const before = await readFile(path, 'utf8').catch(() => undefined);
  if (before !== undefined && !before.startsWith(HEADING)) {
    throw new UsageError(
      `${path} is not a file of \`mirrorverse dbt\`, so it stays. Choose another folder for --out.`,
    );
  }
  const file = await ResultFile.begin(path, '--out');
  try {
    await file.write([text]);
  } finally {
    await file.discard();
  }
}
