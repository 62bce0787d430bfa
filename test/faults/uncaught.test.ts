import { describe, expect, it } from 'vitest';
import { openBench } from '../support/bench.ts';
import { eventually, logLines } from '../support/command-line.ts';
import { FailpointProcess } from '../support/failpoint-process.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';

const EVERY_SECOND = { MIRRORVERSE_SCHEDULE: '* * * * * *' };

describe('a defect that nobody handles', () => {
  it.each([
    ['throw', 'a defect in a timer'],
    ['reject', 'a promise nobody waits for'],
  ] as const)(
    'a defect that nobody handles ends the daemon with one line that has its cause (%s)',
    async (kind, message) => {
      await using bench = await openBench([]);
      const environment = mirrorEnvironment(bench, ['account'], EVERY_SECOND);
      await using daemon = FailpointProcess.start(['run'], environment, { kind });
      const { status, stderr } = await daemon.end();
      expect(status).toBe(1);
      const fatal = logLines(stderr).filter(({ level }) => level === 'fatal');
      expect(fatal).toMatchObject([{ err: { type: 'TypeError', message } }]);
    },
  );
});

describe('a reader of the output that went away', () => {
  it('a reader of the output that went away ends a command that still has something to print', async () => {
    await using bench = await openBench(['account']);
    bench.emulator.store.seed('account', 10);
    const command = bench.cli.start(['sync']);
    command.child.stdout?.destroy();
    expect((await command.end()).status).toBe(1);
  });

  it('a reader of the output that went away ends a daemon that still has something to log', async () => {
    await using bench = await openBench(['account'], EVERY_SECOND);
    const { emulator, cli } = bench;
    emulator.store.seed('account', 10);
    const daemon = cli.start(['run']);
    await daemon.logged(({ msg }) => msg.startsWith('baseline of account'));
    daemon.child.stderr?.destroy();
    emulator.store.seed('account', 10);
    await eventually(() => !daemon.running);
    const { status } = await daemon.ended;
    expect(status).not.toBe(0);
  });
});
