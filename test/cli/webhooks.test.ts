import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { openBench } from '../support/bench.ts';
import { eventually } from '../support/command-line.ts';
import { openReceiver } from '../support/webhook-receiver.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

const yaml = (name: string): string =>
  `schedule: '* * * * * *'
labels: false
tables: [{ name: account, feed: true }]
webhooks: [{ name: ${name}, url: '\${MIRRORVERSE_WEBHOOK_URL}', allowPrivate: true }]
`;

it('the daemon posts changes, follows its file, tells how webhooks fare, and a call without an answer does not hold it up', async () => {
  await using receiver = await openReceiver();
  await using bench = await openBench([], {
    MIRRORVERSE_TABLES: '',
    MIRRORVERSE_WEBHOOK_SECRET: SECRET,
    MIRRORVERSE_WEBHOOK_URL: `${receiver.url}?key=a-secret-in-the-address`,
  });
  const { cli, emulator } = bench;
  emulator.store.seed('account', 3);
  const file = await cli.file('mirrorverse.yaml', yaml('first'));
  const daemon = cli.start(['run']);
  await eventually(() => receiver.changes().length > 0);
  expect(receiver.changes()[0]).toMatchObject({ table: 'account', operation: 'b' });
  emulator.store.seed('account', 1);
  await eventually(() => receiver.changes().some(({ operation }) => operation === 'c'));

  receiver.conduct = ({ changes }) => (changes[0]?.operation === 'b' ? 503 : 204);
  await writeFile(file, yaml('second'));
  daemon.child.kill('SIGHUP');
  await daemon.logged(({ webhook, reason }) => webhook === 'second' && reason === 'status 503');
  const report = async (): Promise<unknown> =>
    JSON.parse((await cli.run(['status', '--json'])).stdout) as unknown;
  await eventually(async () =>
    JSON.stringify(((await report()) as { webhooks: unknown }).webhooks).includes('status 503'),
  );
  expect(await report()).toMatchObject({
    webhooks: [
      { webhook: 'second', reason: 'status 503', lastSuccessAt: null, stoppedAt: null, deadLetters: 0 },
    ],
  });
  expect((await cli.run(['status'])).stdout).toContain('Webhook second has refused changes for');

  const calls = receiver.calls.length;
  receiver.conduct = () => 'handled';
  await eventually(() => receiver.calls.length > calls);
  const ended = await daemon.stop('SIGTERM');
  expect(ended).toMatchObject({ status: 0 });
  expect(ended.milliseconds).toBeLessThan(5_000);
  expect(ended.stderr).not.toContain('a-secret-in-the-address');
});
