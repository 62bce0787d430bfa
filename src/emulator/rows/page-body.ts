const COMMA = Buffer.from(',');

/** Puts a page together from its members before `value`, the serialised items, and the members after. */
export function pageBody(before: string, items: readonly Uint8Array[], after: string): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`{${before},"value":[`)];
  for (const [index, item] of items.entries()) {
    if (index > 0) parts.push(COMMA);
    parts.push(item);
  }
  parts.push(Buffer.from(`]${after}}`));
  return Buffer.concat(parts);
}
