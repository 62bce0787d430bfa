import type { Config } from '../../../config/config.ts';
import { historySchema } from '../../../mirror/history/history-names.ts';
import { hashKeyId } from '../../../mirror/quarantine/row-policy.ts';
import { checkSetUp } from '../../../operations/check/setup-check.ts';
import type { Finding } from '../../../operations/check/finding.ts';
import type { CommandContext } from '../../command.ts';
import { fittedLines } from '../../output.ts';
import { CommandSession } from '../../command-session.ts';

export async function check(context: CommandContext): Promise<number> {
  return CommandSession.use(context, checkBySession);
}

/** Checks the set-up that a session has open. */
export async function checkBySession(session: CommandSession): Promise<number> {
  const { config, signal, options, print } = session.context;
  const findings = await checkSetUp(
    {
      database: async () => session.database(),
      dataverse: session.dataverse(),
      requestsPer5Minutes: config.limits.requestsPer5Minutes,
      moreSchemas: moreSchemas(config),
      isDistributed: config.distribution !== undefined,
      choice: session.choice(),
      auditDetails: config.audit?.details,
      hashKeyId: config.hashKey === undefined ? undefined : hashKeyId(config.hashKey),
      files: config.files?.to,
      proxy: config.proxy,
    },
    signal,
  );
  const ok = findings.every((finding) => finding.ok);
  if (options['json'] === true) print(JSON.stringify({ ok, findings }, null, 2));
  else for (const finding of findings) print(asText(finding));
  return ok ? 0 : 1;
}

function moreSchemas({ labels, compatibility, schema: mirror, tables }: Config): string[] {
  const keepsHistory = tables.some(({ history }) => history !== undefined);
  const ofHistories = keepsHistory ? historySchema(mirror) : undefined;
  const schemas = [labels?.schema, compatibility.synapseLink, compatibility.fivetran, ofHistories];
  return schemas.filter((schema) => schema !== undefined);
}

function asText({ ok, subject, message, remedy }: Finding): string {
  const said = namesFirst(message, subject) ? message : `${subject}: ${message}`;
  const lines = fittedLines(said, 8).join('\n        ');
  const line = `${ok ? 'ok    ' : 'FAILED'}  ${lines}`;
  return ok || remedy === null ? line : `${line}\n        ${fittedLines(remedy, 8).join('\n        ')}`;
}

/** Whether a message begins with its subject, as the messages of failures often do. */
function namesFirst(message: string, subject: string): boolean {
  return message.toLowerCase().startsWith(`${subject.toLowerCase()} `);
}
