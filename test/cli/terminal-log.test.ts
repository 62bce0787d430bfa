import { describe, expect, it } from 'vitest';
import { openBench } from '../support/bench.ts';

/** Standard error is a pipe here; this is all by which the log tells a terminal. */
const TERMINAL = { NODE_OPTIONS: '--import=data:text/javascript,process.stderr.isTTY=true' };

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
});
