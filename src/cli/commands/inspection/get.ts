import { querySource, sourceUrl, type SourceAnswer } from '../../../operations/source-query.ts';
import { summaryOf, toFailure } from '../../../model/failure.ts';
import { CommandSession } from '../../command-session.ts';
import { UsageError, type CommandContext } from '../../command.ts';

/** Dataverse gives no larger pages. */
const LARGEST_PAGE = 5_000;

export async function get(context: CommandContext): Promise<number> {
  const { words, options, config, signal, print } = context;
  const [path, ...others] = words;
  if (path === undefined || others.length > 0) {
    throw new UsageError("get needs one path in quotation marks: `mirrorverse get 'accounts?$top=1'`.");
  }
  const pageSize = pageSizeOf(options['page-size']);
  return CommandSession.use(context, async (session) => {
    const { client } = session.dataverse();
    const url = sourceUrl(path, client);
    if (url === undefined) {
      throw new UsageError(
        `get asks only ${client.origin}: name a path under ${new URL(client.root).pathname}, such as accounts, or one that begins with /api/.`,
      );
    }
    const query = {
      url,
      annotations: options['annotations'] === true,
      pageSize,
      largest: config.limits.pageBytes,
    };
    if (options['json'] !== true) {
      printAnswer(await querySource(client, query, signal), print);
      return 0;
    }
    try {
      print(
        JSON.stringify(
          { ok: true, ...documentOf(await querySource(client, query, signal)), error: null },
          null,
          2,
        ),
      );
      return 0;
    } catch (error) {
      signal.throwIfAborted();
      const failure = toFailure(error);
      const { status = null, errorCode = null } = failure.details;
      const told = { ...summaryOf(failure), status, errorCode };
      print(JSON.stringify({ ok: false, contentType: null, body: null, error: told }, null, 2));
      return 1;
    }
  });
}

function pageSizeOf(value: string | boolean | undefined): number | undefined {
  if (value === undefined) return undefined;
  const size = Number(value);
  if (Number.isInteger(size) && size >= 1 && size <= LARGEST_PAGE) return size;
  throw new UsageError(`--page-size takes a number from 1 to ${LARGEST_PAGE}, not ${String(value)}.`);
}

function printAnswer(answer: SourceAnswer, print: (line: string) => void): void {
  if (answer.kind === 'json') print(JSON.stringify(answer.json, null, 2));
  else if (answer.kind === 'text') print(answer.text);
  else if (process.stdout.isTTY) print(`(${answer.bytes.length} bytes of ${answer.contentType})`);
  else process.stdout.write(answer.bytes);
}

/** `body` is JSON where JSON came, else a text; bytes that are no text are in base64. */
function documentOf(answer: SourceAnswer): { contentType: string; body: unknown } {
  const { contentType } = answer;
  if (answer.kind === 'json') return { contentType, body: answer.json };
  if (answer.kind === 'text') return { contentType, body: answer.text };
  return { contentType, body: Buffer.from(answer.bytes).toString('base64') };
}
