const MARK = '\u0000exact:';
const MARKED = /"\\u0000exact:([^"]*)"/g;

/** Marks a number text that must appear in JSON exactly, such as 9223372036854775807. */
export function exactNumber(text: string): string {
  return MARK + text;
}

/** JSON.stringify that writes marked number texts as numbers. */
export function exactJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(MARKED, '$1');
}

/** JSON.parse that marks the numbers that JavaScript would change, so that {@link exactJson} writes them unchanged. */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text, (_name, value: unknown, context?: { source?: string }): unknown => {
    const source = context?.source;
    return typeof value === 'number' && source !== undefined && String(value) !== source
      ? exactNumber(source)
      : value;
  });
}

/** The text of a number, which {@link exactNumber} may have marked; null for any other value. */
export function numberText(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.startsWith(MARK) ? value.slice(MARK.length) : null;
}
