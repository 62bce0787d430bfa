import { describe, expect, it } from 'vitest';
import { openBench } from '../support/bench.ts';
import { CommandLine, logLines } from '../support/command-line.ts';

/** Standard error is a pipe here; this is all by which the log tells a terminal. */
const TERMINAL = { NODE_OPTIONS: '--import=data:text/javascript,process.stderr.isTTY=true' };

/** An address at which no database answers. */
const SET_UP = {
  DATAVERSE_URL: 'http://127.0.0.1:9',
  DATAVERSE_ACCESS_TOKEN: 'token',
  DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none',
  MIRRORVERSE_TABLES: 'account',
};

const withoutTime = (line: string): string => line.replace(/^\[[^\]]+\] /, '');

describe('the log on a terminal', () => {
  it('the log on a terminal has one complete line for each run', async () => {
    await using bench = await openBench(['account']);
    bench.emulator.store.seed('account', 3);
    const { status, stderr } = await bench.cli.run(['sync'], TERMINAL);
    expect(status).toBe(0);
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('baseline of account: 3 rows written, 0 deleted');
  });

  it('the log on a terminal says what has changed in a table', async () => {
    await using bench = await openBench(['account']);
    const { cli, emulator } = bench;
    emulator.store.seed('account', 3);
    expect((await cli.run(['sync'])).status).toBe(0);
    emulator.store.retypeColumn('account', 'numberofemployees', { kind: 'Decimal' });
    const { stderr } = await cli.run(['sync'], TERMINAL);
    expect(stderr).toContain('Table account has changed: column numberofemployees turns from integer into');
  });

  it('the log on a terminal has one line for each problem of the configuration, and no fields beside it', async () => {
    await using cli = await CommandLine.open();
    const file = await cli.file(
      'wrong.yaml',
      'Tables: [account]\nlimits:\n  pagesize: 5\n  concurrency: 0\n',
    );
    const { status, stderr } = await cli.run(['sync', '--config', file], { ...SET_UP, ...TERMINAL });
    expect(status).toBe(2);
    expect(stderr.trimEnd().split('\n').map(withoutTime)).toEqual([
      'ERROR: Tables: is not a known key (line 1, column 1). Did you mean tables?',
      'ERROR: limits.pagesize: is not a known key (line 3, column 3). Did you mean limits.pageSize?',
      'ERROR: limits.concurrency: must be at least 1 (line 4, column 3)',
      'ERROR: The configuration has 3 problems.',
    ]);
  });

  it('the log on a terminal says what happened and what to do, each once', async () => {
    await using cli = await CommandLine.open();
    const environment = { ...SET_UP, MIRRORVERSE_LOG_FORMAT: 'pretty' };
    const { status, stderr } = await cli.run(['status'], environment);
    expect(status).toBe(1);
    const logged = await cli.run(['status'], SET_UP);
    const line = logLines(logged.stderr).at(-1);
    expect(line?.level).toBe('error');
    expect(stderr.trimEnd().split('\n').map(withoutTime)).toEqual([
      `ERROR: ${line?.msg} ${String(line?.['remedy'])}`,
    ]);
  });

  it('the log breaks its lines between words at the width of the terminal', async () => {
    await using cli = await CommandLine.open();
    const wide = { NODE_OPTIONS: `${TERMINAL.NODE_OPTIONS};process.stderr.columns=60` };
    const { stderr } = await cli.run(['status'], { ...SET_UP, ...wide });
    const lines = stderr.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(1);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
    const whole = await cli.run(['status'], { ...SET_UP, MIRRORVERSE_LOG_FORMAT: 'pretty' });
    expect(withoutTime(stderr.replaceAll(/\n {4}/g, ' '))).toBe(withoutTime(whole.stderr));
  });

  it('a form of the log that does not exist ends a command with 2', async () => {
    await using cli = await CommandLine.open();
    const { status, stderr } = await cli.run(['status'], { ...SET_UP, MIRRORVERSE_LOG_FORMAT: 'xml' });
    expect(status).toBe(2);
    expect(logLines(stderr)[0]).toMatchObject({ key: 'MIRRORVERSE_LOG_FORMAT' });
  });
});
