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

/**
 * The lines of a sentence behind an indent of so many characters. Where no terminal shows standard output it stays
 * whole, because a program may look for it.
 */
export function fittedLines(text: string, indent = 0): string[] {
  const { isTTY, columns } = process.stdout;
  return isTTY ? wrapped(text, { indent, width: columns || LINE }) : [text];
}

/** A number with its noun: `1 row`, `4,003 rows`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** A last column is at least so wide before its cells are broken into lines. */
const LEAST_LAST = 36;

export interface TableForm {
  /** Columns of numbers, which stand at the right. */
  readonly numbers?: readonly number[];
  /** The column that is broken into lines; the last one if nothing is said. */
  readonly wraps?: number;
  /** A sentence below each row; empty where there is none. */
  readonly below?: readonly string[];
}

/**
 * Rows under their headings, within the width of a line: one column is broken into lines, and a first cell that leaves
 * no room for the others has a line for itself.
 */
export function fittedTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  { numbers = [], wraps = headings.length - 1, below = [] }: TableForm = {},
): string[] {
  const all = [headings, ...rows];
  const widths = headings.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const shrink = (column: number, least: number): void => {
    const tooMuch = widths.reduce((sum, width) => sum + width, 2 * (widths.length - 1)) - LINE;
    const width = widths[column] ?? 0;
    if (tooMuch > 0) widths[column] = Math.max(Math.min(width, least), width - tooMuch);
  };
  const words = all.flatMap((row) => (row[wraps] ?? '').split(' '));
  const longestWord = Math.max(...words.map((word) => word.length));
  shrink(wraps, wraps === headings.length - 1 ? LEAST_LAST : longestWord);
  shrink(0, headings[0]?.length ?? 0);
  shrink(wraps, longestWord);
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) =>
        numbers.includes(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return all.flatMap((row, at) => {
    const [first = ''] = row;
    const isTooWide = first.length > (widths[0] ?? 0);
    const [broken = '', ...more] = wrapped(row[wraps] ?? '', { width: widths[wraps] ?? 0 });
    const cells = row.map((cell, column) => (column === wraps ? broken : cell));
    const note = below[at - 1] ?? '';
    return [
      ...(isTooWide ? [first, line(['', ...cells.slice(1)])] : [line(cells)]),
      ...more.map((text) => line(headings.map((_, column) => (column === wraps ? text : '')))),
      ...(note === '' ? [] : wrapped(note, { indent: 2 }).map((text) => `  ${text}`)),
    ];
  });
}
