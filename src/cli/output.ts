/** Writes a line to standard output. */
export function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Rows under their headings, in columns that are as wide as necessary. */
export function textTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, at) =>
    Math.max(heading.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(headings), ...rows.map(line)].join('\n');
}

/** Characters of a line. A terminal that nobody has widened shows so many. */
export const LINE = 80;

/** The lines of a text, broken at blanks so that they fit behind an indent of so many characters. */
export function wrapped(text: string, { indent = 0, width = LINE } = {}): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width - indent) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** A number with its noun: `1 row`, `4,003 rows`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** A last column is at least so wide before its cells are broken into lines. */
const LEAST_LAST = 36;

/**
 * Rows under their headings, within the width of a line: the last column is broken into lines, and a first cell that
 * leaves no room for the others has a line for itself.
 */
export function fittedTable(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [headings, ...rows];
  const widths = headings.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const needed = widths.map((width, at) => (at === widths.length - 1 ? Math.min(width, LEAST_LAST) : width));
  const tooMuch = needed.reduce((sum, width) => sum + width, 2 * (widths.length - 1)) - LINE;
  if (tooMuch > 0) widths[0] = Math.max(headings[0]?.length ?? 0, (widths[0] ?? 0) - tooMuch);
  const indent = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0);
  return all.flatMap((row) => {
    const [first = ''] = row;
    const isTooWide = first.length > (widths[0] ?? 0);
    const lead = row
      .slice(0, -1)
      .map((cell, at) => (isTooWide && at === 0 ? '' : cell).padEnd(widths[at] ?? 0));
    const [last = '', ...more] = wrapped(row.at(-1) ?? '', { indent });
    const lines = [[...lead, last].join('  ').trimEnd(), ...more.map((line) => ' '.repeat(indent) + line)];
    return isTooWide ? [first, ...lines] : lines;
  });
}
