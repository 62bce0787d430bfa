/** A piece of HTML. Only `markup` makes one, so each text in it was escaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = Html | string | number | null | readonly Html[];

/**
 * A template string of HTML. Each value is escaped unless it is a piece of HTML itself, and null is nothing. A value
 * in an attribute needs quotation marks around it.
 */
export function markup(pieces: TemplateStringsArray, ...values: readonly Value[]): Html {
  const text = values.map((value, at) => textOf(value) + (pieces[at + 1] ?? ''));
  return new Html((pieces[0] ?? '') + text.join(''));
}

function textOf(value: Value): string {
  if (value === null) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'string') return escaped(value);
  if (typeof value === 'number') return String(value);
  return value.map(({ text }) => text).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** A message or a remedy. What stands between backticks is code. */
export function prose(text: string): Html {
  const pieces = text.split(/`([^`]+)`/);
  return markup`${pieces.map((piece, at) => (at % 2 === 0 ? markup`${piece}` : markup`<code>${piece}</code>`))}`;
}
