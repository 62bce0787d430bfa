/** TypeScript does not know these members of JSON yet. */
interface DigitsJson {
  parse(
    text: string,
    revive: (key: string, value: unknown, context: { readonly source: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
}

/**
 * Parses JSON so that `JSON.stringify` writes each number again as it came. JavaScript would round row versions and long
 * decimals, and would drop the last zeros of money.
 *
 * @param ofText changes each text.
 * @throws SyntaxError
 */
export function parseWithDigits(text: string, ofText: (text: string) => string = (same) => same): unknown {
  const json = JSON as unknown as DigitsJson;
  return json.parse(text, (_, value, { source }) => {
    if (typeof value === 'number') return json.rawJSON(source);
    return typeof value === 'string' ? ofText(value) : value;
  });
}
