import { readEnvironment } from '../../../dataverse/metadata/environment.ts';
import { isPattern } from '../../../model/name-pattern.ts';
import { NUDGE_SECRET } from '../../../config/nudge/nudge-settings.ts';
import type { NudgePlace } from '../../../operations/nudges/nudge-names.ts';
import { registerNudges } from '../../../operations/nudges/nudge-registration.ts';
import { removeNudges } from '../../../operations/nudges/nudge-removal.ts';
import type { NudgeReport } from '../../../operations/nudges/nudge-report.ts';
import { nudgeStatus } from '../../../operations/nudges/nudge-status.ts';
import { UsageError, type CommandContext } from '../../command.ts';
import { CommandSession } from '../../command-session.ts';
import { selectedTables } from '../../selected-tables.ts';
import { nudgeLines } from './nudge-text.ts';

/** The words after `nudge`. */
const VERBS = ['register', 'status', 'remove'] as const;
type Verb = (typeof VERBS)[number];

/** Makes, shows or removes what lets the environment tell of changes. */
export async function nudge(context: CommandContext): Promise<number> {
  const [verb, ...words] = context.words;
  if (!isVerb(verb)) {
    throw new UsageError(`nudge needs one of the words ${VERBS.join(', ')}: \`mirrorverse nudge status\`.`);
  }
  const wish = verb === 'register' ? registration(context) : undefined;
  return CommandSession.use(context, async (session) => {
    const place = await placeOf(session);
    const { signal } = context;
    if (verb === 'status') {
      const status = await nudgeStatus(place, await namedTables(session, words), signal);
      tell(context, verb, status, status.failures);
    } else if (verb === 'remove') {
      const names = words.length === 0 ? undefined : await namedTables(session, words);
      tell(context, verb, await removeNudges(place, names, signal));
    } else if (wish !== undefined) {
      tell(context, verb, await registerNudges(place, await namedTables(session, words), wish, signal));
    }
    return 0;
  });
}

function isVerb(word: string | undefined): word is Verb {
  return VERBS.some((verb) => verb === word);
}

/** What `register` needs beyond sign-in and tables. @throws UsageError */
function registration({ config }: CommandContext): { readonly url: string; readonly secret: string } {
  const { url, secret } = config.nudge;
  if (url !== undefined && secret !== undefined) return { url, secret };
  const missing = [
    ...(url === undefined ? ['nudge.url (MIRRORVERSE_NUDGE_URL), the public address of the port'] : []),
    ...(secret === undefined ? [`${NUDGE_SECRET} (or ${NUDGE_SECRET}_FILE), the secret of the daemon`] : []),
  ];
  throw new UsageError(`nudge register needs ${missing.join(', and ')}.`);
}

async function placeOf(session: CommandSession): Promise<NudgePlace> {
  const { config, signal } = session.context;
  const { client } = session.dataverse();
  const { organizationId } = await readEnvironment(client, signal);
  return { client, organizationId, name: config.nudge.name ?? config.schema };
}

/** Names stand for themselves, because a table may have left the configuration. Patterns mean configured tables. */
async function namedTables(session: CommandSession, words: readonly string[]): Promise<string[]> {
  if (words.length > 0 && !words.some(isPattern)) return [...new Set(words)];
  if (session.context.config.tables.length === 0) {
    throw new UsageError('No table is configured. Name the tables, or set tables (MIRRORVERSE_TABLES).');
  }
  const plain = words.filter((word) => !isPattern(word));
  const patterns = words.filter(isPattern);
  const configured = selectedTables(await session.resolution(), patterns).map(({ name }) => name);
  return [...new Set([...plain, ...configured])];
}

function tell(
  { options, print, logger }: CommandContext,
  verb: Verb,
  report: NudgeReport,
  failures?: ReadonlyMap<string, number>,
): void {
  if (options['json'] === true) {
    print(JSON.stringify(documentOf(report, failures), null, 2));
    return;
  }
  for (const line of nudgeLines(verb, report, failures)) print(line);
  for (const { table, notice } of report.tables) {
    if (notice !== null) logger.warn({ table, code: notice.code, remedy: notice.remedy }, notice.message);
  }
}

/** What `--json` prints. */
function documentOf({ url, endpoint, tables }: NudgeReport, failures?: ReadonlyMap<string, number>): object {
  return {
    endpoint: { url, outcome: endpoint },
    tables: tables.map(({ table, steps, changed, notice }) => ({
      table,
      steps: steps.map(({ message, step }) => ({
        message,
        registered: step !== null,
        enabled: step?.isEnabled ?? false,
        ...(failures === undefined ? {} : { failures: step === null ? 0 : (failures.get(step.id) ?? 0) }),
      })),
      changed,
      error: notice,
    })),
  };
}
