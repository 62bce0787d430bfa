import type { Logger } from 'pino';
import { z } from 'zod';
import type { FailureCode } from '../../model/failure-codes.ts';
import { Failure } from '../../model/failure.ts';
import { unexpectedAnswer } from '../http/answer-failure.ts';
import type { DataverseClient, Request } from '../http/client.ts';
import { readCsdl, type TypeProperties } from './csdl.ts';
import { metadataVersionIn, VERSION_ASKED } from './environment.ts';
import { parseDefinitions, definitionList, type ParsedDefinitions } from './odd-definitions.ts';

/** Reads definitions from the environment. Each call costs one request. */
export interface DefinitionReader {
  /**
   * Reads a list of definitions.
   *
   * @param options `observe` is told the metadata version, if the answer has it.
   * @throws Failure `unexpected-answer` if the answer is not a whole list.
   */
  list<T extends { readonly LogicalName: string }>(
    url: string,
    item: z.ZodType<T>,
    signal: AbortSignal,
    options?: { readonly table?: string; readonly observe?: (version: string) => void },
  ): Promise<ParsedDefinitions<T>>;
  /** Reads what the CSDL declares; undefined if the environment refuses to show it. @throws Failure */
  declared(signal: AbortSignal): Promise<TypeProperties | undefined>;
  /** The time of the last usable answer, by `performance.now()`. */
  readonly answeredAt: number;
}

/** Codes of failures that mean a refusal by the environment itself. */
const REFUSALS: ReadonlySet<FailureCode> = new Set(['request-refused', 'privilege-missing']);

export function createDefinitionReader(
  client: DataverseClient,
  logger: Logger,
  consistency: () => Pick<Request, 'consistency'>,
): DefinitionReader {
  let answeredAt = Number.NEGATIVE_INFINITY;
  const refused = new Set<string>();

  /**
   * Reads definitions with the members that `url` selects. An older version of the Web API refuses a member that it does
   * not have, such as TableType. Then all members are read, and the same members are not selected again.
   */
  async function withMembers(url: string, read: (url: string) => Promise<unknown>): Promise<unknown> {
    const [path = url, select] = url.split('?$select=');
    if (select === undefined || select.includes('&')) return read(url);
    if (refused.has(select)) return read(path);
    try {
      return await read(url);
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'request-refused') throw error;
      if (error.details['status'] !== 400) throw error;
      const answer = await read(path);
      refused.add(select);
      return answer;
    }
  }

  return {
    get answeredAt() {
      return answeredAt;
    },
    async list(url, item, signal, { table, observe } = {}) {
      const about = table === undefined ? {} : { table };
      const prefer = observe === undefined ? {} : { prefer: [VERSION_ASKED] };
      const request = { priority: 'metadata' as const, ...about, ...prefer, ...consistency() };
      const answer = await withMembers(url, async (path) =>
        client.getJson({ ...request, url: path }, signal),
      );
      const parsed = definitionList.safeParse(answer);
      if (!parsed.success) throw noList(url, parsed.error);
      answeredAt = performance.now();
      const version = metadataVersionIn(answer);
      if (version !== undefined) observe?.(version);
      return parseDefinitions(parsed.data.value, item);
    },
    async declared(signal) {
      const request = { url: '$metadata', priority: 'metadata' as const, accept: 'application/xml' };
      try {
        const declared = await client.get({ ...request, ...consistency() }, signal, ({ body, headers }) =>
          declaredIn(new TextDecoder().decode(body), request, headers),
        );
        answeredAt = performance.now();
        return declared;
      } catch (error) {
        // Any other failure, such as a refused token, must not let attribute flags decide: tables would lose columns.
        if (!(error instanceof Failure) || !REFUSALS.has(error.code)) throw error;
        logger.warn({ code: error.code }, 'The $metadata document is not available; attribute flags decide.');
        return undefined;
      }
    },
  };
}

function noList(url: string, error: z.ZodError): Failure {
  return new Failure({
    code: 'unexpected-answer',
    reaction: 'stop-table',
    message: `Metadata came in an unknown shape: ${z.prettifyError(error)}`,
    remedy: 'This environment describes its tables in a way mirrorverse does not know; please report it.',
    cause: error,
    details: { url },
  });
}

/** @throws SyntaxError if the text is not a whole CSDL document, Failure `unexpected-answer` if it is empty. */
function declaredIn(text: string, request: Request, headers: Headers): TypeProperties {
  let declared: TypeProperties;
  try {
    declared = readCsdl(text);
  } catch (error) {
    throw new SyntaxError('It is no whole CSDL.', { cause: error });
  }
  if (declared.size === 0) throw unexpectedAnswer(request, headers, undefined);
  return declared;
}
