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
