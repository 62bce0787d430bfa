/** Whether a text is a pattern rather than a name. */
export function isPattern(text: string): boolean {
  return text.includes('*') || text.includes('?');
}

/** Whether a name fits a pattern. In a pattern, `*` stands for any characters and `?` stands for one. */
export function fitsPattern(name: string, pattern: string): boolean {
  if (!isPattern(pattern)) return name === pattern;
  const source = pattern.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${source.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's').test(name);
}
