import type { WriteStream } from 'node:tty';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ErrorTerminal } from '../../src/cli/text/error-terminal.ts';

const ESCAPE = '\u001B';
const CONTROL = new RegExp(`(${ESCAPE}\\[\\??\\d*[A-Za-z]|\\r|\\n)`);
const UP = new RegExp(`^${ESCAPE}\\[(\\d+)A$`);

/** A terminal that shows what is written to it, as far as `ErrorTerminal` uses one. */
class Shown {
  isTTY = true;
  rows = 24;
  columns: number;
  private lines: string[] = [''];

  constructor(columns: number) {
    this.columns = columns;
  }

  write(text: string): boolean {
    for (const piece of text.split(CONTROL)) this.take(piece);
    return true;
  }

  get text(): string[] {
    return this.lines;
  }

  private take(piece: string): void {
    const up = UP.exec(piece);
    // The cursor is always at the begin of the last line, so what it passes upwards is cleared next.
    if (up) this.lines.splice(-1 - Number(up[1]), Infinity, '');
    else if (piece === '\n') this.lines.push('');
    else if (piece === '' || piece === '\r' || piece.startsWith(ESCAPE)) return;
    else this.print(piece);
  }

  private print(text: string): void {
    const { columns } = this;
    for (let at = 0; at < text.length; at += columns) {
      if (at > 0) this.lines.push('');
      this.lines[this.lines.length - 1] += text.slice(at, at + columns);
    }
  }
}

test('a line of the log stands above the bars, however long it is', () => {
  const texts = fc.array(fc.oneof(fc.constant('a warning'), fc.constant('w'.repeat(300))), { maxLength: 8 });
  fc.assert(
    fc.property(texts, fc.integer({ min: 0, max: 5 }), (written, bars) => {
      const shown = new Shown(80);
      const terminal = new ErrorTerminal(shown as unknown as WriteStream);
      const names = Array.from({ length: bars }, (_, at) => `bar ${at}`);
      terminal.keepBelow(() => names);
      for (const text of written) terminal.write(`${text}\n`);
      terminal.leaveBelow();
      terminal.write('after\n');
      expect(shown.text.join('')).toBe([...written, ...names, 'after'].join(''));
      expect(shown.text.slice(-2 - bars)).toEqual([...names, 'after', '']);
    }),
  );
});

test('bars that do not fit the terminal are left out', () => {
  const shown = new Shown(80);
  shown.rows = 4;
  const terminal = new ErrorTerminal(shown as unknown as WriteStream);
  terminal.keepBelow(() => Array.from({ length: 9 }, (_, at) => `bar ${at}`));
  terminal.write('a warning\n');
  terminal.leaveBelow();
  expect(shown.text).toEqual(['a warning', 'bar 0', 'bar 1', 'bar 2', '']);
});
