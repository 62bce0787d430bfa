/** Milliseconds between two drawings. */
const EVERY = 250;
const HIDE_CURSOR = '\u001B[?25l';
const SHOW_CURSOR = '\u001B[?25h';
const CLEAR_BELOW = '\u001B[0J';

/**
 * The terminal behind standard error. Log and bars both write by it, so no line of the log can break the bars: a
 * text clears the bars, stands above them, and the bars are drawn again.
 */
export class ErrorTerminal {
  private readonly stream: NodeJS.WriteStream;
  private bars: (() => readonly string[]) | undefined;
  private timer: NodeJS.Timeout | undefined;
  private drawn: readonly string[] = [];
  private readonly showCursor = (): void => void this.stream.write(SHOW_CURSOR);

  constructor(stream: NodeJS.WriteStream) {
    this.stream = stream;
  }

  /** Characters of a line; undefined if the terminal does not say it. */
  get width(): number | undefined {
    return this.stream.columns || undefined;
  }

  /** Writes whole lines, above the bars if there are some. */
  write(text: string): void {
    this.stream.write(this.clearing() + text + this.drawing());
  }

  /** Draws these lines again and again below everything else. None may be wider than the terminal. */
  keepBelow(bars: () => readonly string[]): void {
    this.bars = bars;
    // A process that ends in the midst of a load must leave the cursor visible.
    process.on('exit', this.showCursor);
    this.stream.write(HIDE_CURSOR);
    this.timer = setInterval(() => this.write(''), EVERY);
    this.timer.unref();
  }

  /** Draws the lines for the last time. They stay. */
  leaveBelow(): void {
    if (this.bars === undefined) return;
    this.write('');
    clearInterval(this.timer);
    this.bars = undefined;
    this.drawn = [];
    process.off('exit', this.showCursor);
    this.showCursor();
  }

  private clearing(): string {
    const width = this.width ?? Infinity;
    // A terminal that was made narrower has broken the lines.
    const height = this.drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / width)), 0);
    return height === 0 ? '' : `\u001B[${height}A\r${CLEAR_BELOW}`;
  }

  /** Each line ends with a line feed. What other code writes then does not stand behind a bar. */
  private drawing(): string {
    // The cursor cannot go back to lines that the terminal has scrolled away.
    this.drawn = this.bars?.().slice(0, Math.max(1, (this.stream.rows || 24) - 1)) ?? [];
    return this.drawn.map((line) => `${line}\n`).join('');
  }
}

/** The terminal behind standard error; undefined if it is none. */
export function errorTerminal(): ErrorTerminal | undefined {
  return process.stderr.isTTY ? new ErrorTerminal(process.stderr) : undefined;
}
