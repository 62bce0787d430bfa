import { readableCount } from '../../../model/readable-figures.ts';
import { DemoOrganization } from '../../../emulator/demo/demo-organization.ts';
import { readDefinitions } from '../../../emulator/recorded/definition-files.ts';
import type { TableDefinition } from '../../../emulator/definitions/emulated-table.ts';
import { errorCode } from '../../../model/error-description.ts';
import { Failure } from '../../../model/failure.ts';
import { untilAborted } from '../../../timing/sleep.ts';
import { UsageError, type CommandContext } from '../../command.ts';

/** The port of the emulator if `--port` names no other. */
const PORT = 8420;
/** So many rows take a second or more. */
const MANY_ROWS = 10_000;

export async function emulator(context: CommandContext): Promise<number> {
  const { options, signal, print, logger } = context;
  const rows = numberOption(context, 'rows', 20_000);
  // A hundred thousand rows take many seconds, in which nothing else can be told.
  if (rows >= MANY_ROWS)
    logger.info({ rows }, `The emulator makes ${readableCount(rows, 'row')}. Its address follows.`);
  const organization = new DemoOrganization({
    rows,
    ...(options['hostile'] === true ? { hostile: true } : {}),
    ...definedTables(context),
  });
  const host = typeof options['host'] === 'string' ? options['host'] : '127.0.0.1';
  const port = numberOption(context, 'port', PORT);
  if (port > 65_535) throw new UsageError(`--port takes a number up to 65535, not ${port}.`);
  const url = await organization.emulator.listen(port, host).catch((error: unknown) => {
    throw cannotListen(port, host, error);
  });
  const [accessToken] = organization.emulator.settings.bearerTokens;
  if (options['json'] === true) print(JSON.stringify({ url, accessToken }));
  else print(`DATAVERSE_URL=${url}\nDATAVERSE_ACCESS_TOKEN=${accessToken}`);
  await Promise.all([organization.work(numberOption(context, 'changes', 2), signal), untilAborted(signal)]);
  await organization.emulator.close();
  return 0;
}

function cannotListen(port: number, host: string, cause: unknown): Failure {
  const code = errorCode(cause) ?? 'unknown';
  return new Failure({
    code: 'port-taken',
    message: `The emulator cannot listen on port ${port} of ${host} (${code}).`,
    remedy: 'Choose another port with --port; --port 0 takes any free port.',
    cause,
  });
}

function definedTables({ options }: CommandContext): { tables?: readonly TableDefinition[] } {
  const { definitions } = options;
  if (typeof definitions !== 'string') return {};
  try {
    return { tables: readDefinitions(definitions) };
  } catch (error) {
    throw new UsageError(`--definitions: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function numberOption(context: CommandContext, name: string, otherwise: number): number {
  const value = context.options[name];
  if (value === undefined) return otherwise;
  if (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value)) return Number(value);
  throw new UsageError(`--${name} takes a number, not ${String(value)}.`);
}
