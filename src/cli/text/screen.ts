import { styleText } from 'node:util';

/** What a command writes its text for. */
export interface Screen {
  /** Characters of a line. */
  readonly width: number;
  /** Lines that are visible at once; undefined if no terminal shows them. */
  readonly height: number | undefined;
  /** Colours a text, if the terminal shows colours and NO_COLOR is not set. */
  readonly paint: (colour: Parameters<typeof styleText>[0], text: string) => string;
}

/** Characters of a line if no terminal says how wide it is. */
const USUAL = 80;
/** A terminal that claims to be narrower is written to as if it had this width. */
const NARROWEST = 40;

/** The screen behind standard output. */
export function standardScreen(): Screen {
  const { stdout } = process;
  return {
    width: Math.max(NARROWEST, stdout.isTTY ? stdout.columns || USUAL : USUAL),
    height: stdout.isTTY ? stdout.rows : undefined,
    paint: (colour, text) => styleText(colour, text, { stream: stdout }),
  };
}

/** The lines of a text, broken at blanks; a word that is longer than a line is broken too. */
export function linesOf(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).flatMap((whole) => pieces(whole, width))) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

function pieces(word: string, width: number): string[] {
  const parts: string[] = [];
  for (let at = 0; at < word.length; at += width) parts.push(word.slice(at, at + width));
  return parts;
}

/** A name in at most so many characters. Both ends stay, because names of one solution begin and end alike. */
export function shortened(name: string, width: number): string {
  if (name.length <= width) return name;
  const end = Math.floor((width - 1) / 2);
  return `${name.slice(0, width - 1 - end)}…${name.slice(name.length - end)}`;
}
