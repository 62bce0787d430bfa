import { unexpectedAnswer, type Answer, type Request } from './client.ts';

/** What `parse` makes of an answer. @throws Failure `unexpected-answer` when it is no page. */
export async function parsed<T>(answer: Answer, request: Request, parse: () => Promise<T>): Promise<T> {
  try {
    return await parse();
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
    throw unexpectedAnswer(request, answer.headers, error);
  }
}

export function includeAnnotations(names: readonly string[]): string {
  return `odata.include-annotations="${names.join(',')}"`;
}

/** Which table a lookup's id is of. */
export const LOOKUP_ANNOTATION = 'Microsoft.Dynamics.CRM.lookuplogicalname';
