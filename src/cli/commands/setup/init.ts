import { environmentAddress } from '../../../dataverse/environment-address.ts';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { configOfAnswers, configOfWritten, contraryVariables, fileToWrite } from '../../../config/answers.ts';
import { toFailure } from '../../../model/failure.ts';
import { configurationText } from '../../../operations/setup/configuration-text.ts';
import { mirrorCandidates, type Candidate } from '../../../operations/setup/mirror-candidates.ts';
import { UsageError, type CommandContext } from '../../command.ts';
import { CommandSession } from '../../command-session.ts';
import { present } from '../../database-session.ts';
import { checkBySession } from '../inspection/check.ts';
import { planBySession } from '../inspection/plan.ts';
import { Cancelled, type Interview } from './interview.ts';
import { answersOfOptions } from './option-answers.ts';

const EVERYTHING = { dataverse: true, postgres: true, tables: true };

export async function init(context: CommandContext): Promise<number> {
  const { options, logger } = context;
  const yaml = fileToWrite(typeof options['config'] === 'string' ? options['config'] : undefined);
  const files = { yaml, env: join(dirname(yaml), '.env.example') };
  const interview = await interviewOf(context);
  try {
    const there = Object.values(files).filter((file) => existsSync(file));
    if (there.length > 0 && !(await interview.overwrite(there))) throw new Cancelled();
    for (;;) {
      const status = await setUp(context, interview, files);
      if (status !== undefined) return status;
    }
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    logger.warn('Nothing was written.');
    return 1;
  }
}

async function interviewOf(context: CommandContext): Promise<Interview> {
  if (context.options['yes'] === true) return answersOfOptions(context);
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new UsageError(
      'init asks questions, and there is no terminal to ask at. With --yes it asks nothing: give --url ADDRESS, and --auth METHOD, --tables NAMES and --database ADDRESS as needed.',
    );
  }
  const { askAtTerminal } = await import('./terminal-interview.ts');
  return askAtTerminal(context);
}

/** @returns the exit status; undefined if nobody could sign in, and the person wants to try another way. */
async function setUp(
  context: CommandContext,
  interview: Interview,
  files: { readonly yaml: string; readonly env: string },
): Promise<number | undefined> {
  const { signal, print } = context;
  const access = await interview.access();
  const config = configOfAnswers(access, { dataverse: true });
  return CommandSession.use({ ...context, config, words: [], options: {} }, async (session) => {
    let candidates: Candidate[];
    try {
      candidates = await mirrorCandidates(session.dataverse(), signal);
    } catch (error) {
      signal.throwIfAborted();
      const failure = toFailure(error);
      if (interview.again(failure)) return undefined;
      throw failure;
    }
    const tables = await interview.tables(candidates);
    const database = await interview.database();
    const answers = { ...access, DATABASE_URL: database, MIRRORVERSE_TABLES: tables.join(',') };
    // The same rules as for variables hold for the answers.
    const { url, signIn } = present(configOfAnswers(answers, EVERYTHING).dataverse);
    const rows = new Map(candidates.map((each) => [each.name, each.rows]));
    const text = configurationText({
      url: environmentAddress(url),
      auth: access.MIRRORVERSE_AUTH,
      method: signIn.method,
      database,
      tables: tables.map((name) => ({ name, rows: rows.get(name) ?? null })),
    });
    signal.throwIfAborted();
    await mkdir(dirname(files.yaml), { recursive: true });
    await writeFile(files.yaml, text.yaml);
    await writeFile(files.env, text.env);
    interview.end();
    print(`Wrote ${files.yaml} and ${files.env}.`);
    for (const name of contraryVariables(answers)) {
      print(`The variable ${name} is set to something else, and wins over the file.`);
    }
    const beside = text.isDatabaseSecret ? { DATABASE_URL: database } : {};
    session.reconfigure(configOfWritten(files.yaml, beside, EVERYTHING));
    print('\nCheck:');
    const status = await checkBySession(session);
    if (status !== 0) return status;
    print('\nPlan of the first run:');
    await planBySession(session);
    print(
      `\nNext: \`mirrorverse backfill\` loads the tables; \`mirrorverse run\` follows them.${
        text.isDatabaseSecret ? ' Both need\nthe variable DATABASE_URL.' : ''
      }`,
    );
    return 0;
  });
}
