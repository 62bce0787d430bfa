import { afterAll, beforeAll, expect, it } from 'vitest';
import { dataRequests, freePort, openBench, type Bench } from '../support/bench.ts';
import { eventually, type RunningCommand } from '../support/command-line.ts';
import { isMirrored } from '../support/oracle.ts';

const SECRET = `a "secret" & <more>`;

let bench: Bench;
let daemon: RunningCommand;
let port: number;

beforeAll(async () => {
  port = await freePort();
  bench = await openBench(['account', 'contact', 'teammembership'], {
    MIRRORVERSE_NUDGE_PORT: String(port),
    MIRRORVERSE_NUDGE_URL: `http://127.0.0.1:${port}/hooks/dataverse`,
    MIRRORVERSE_NUDGE_SECRET: SECRET,
    MIRRORVERSE_SCHEDULE: '0 0 1 1 *',
  });
  bench.emulator.store.seed('account', 5);
  bench.emulator.store.seed('contact', 5);
  daemon = bench.cli.start(['run']);
  await eventually(async () =>
    isMirrored(bench.emulator.store, bench.database, ['account', 'contact', 'teammembership']),
  );
});
afterAll(async () => bench[Symbol.asyncDispose]());

const writes = (): number =>
  bench.emulator.requests.find().filter(({ method }) => method !== 'GET' && method !== 'HEAD').length;
const steps = (): number => bench.emulator.webhooks.steps.size;

it('nudge register makes an endpoint and three steps for each table, and names a table that has none', async () => {
  const { stdout, stderr, status } = await bench.cli.run(['nudge', 'register']);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^account +on +on +on +3 steps$/m);
  expect(stdout).toMatch(/^teammembership +none +none +none +nothing$/m);
  expect(stderr).toContain('no webhooks for changes of table teammembership');
  expect([bench.emulator.webhooks.endpoints.size, steps()]).toEqual([1, 6]);
  const before = writes();
  expect((await bench.cli.run(['nudge', 'register'])).stdout).toMatch(/^account +on +on +on +nothing$/m);
  expect(writes()).toBe(before);
});

it('a change is in the mirror soon after it was made, by one poll', async () => {
  const { emulator, database } = bench;
  const polls = dataRequests(emulator, 'account').length;
  emulator.store.seed('account', 1);
  await eventually(async () => isMirrored(emulator.store, database, ['account']), 8_000);
  expect(dataRequests(emulator, 'account').length - polls).toBe(1);
  expect(emulator.webhooks.jobs.size).toBe(0);
});

it('nudge register after a change of the secret or the address changes the endpoint, and turns steps on again', async () => {
  const { cli, emulator } = bench;
  const other = {
    MIRRORVERSE_NUDGE_SECRET: 'another secret',
    MIRRORVERSE_NUDGE_URL: `http://127.0.0.1:${port}/`,
  };
  const [step] = emulator.webhooks.steps.values();
  if (step !== undefined) step['statecode'] = 1;
  expect((await cli.run(['nudge', 'register', 'account'], other)).stdout).toContain(
    'The endpoint was changed',
  );
  const [headers] = emulator.webhooks.headers.values();
  expect(headers).toEqual({ 'x-mirrorverse-key': 'another secret' });
  expect([...emulator.webhooks.steps.values()].map((each) => each['statecode'])).toEqual([0, 0, 0, 0, 0, 0]);

  // The daemon still has the old secret: the call fails, and says so.
  emulator.store.seed('account', 1);
  await eventually(() => emulator.webhooks.jobs.size > 0);
  await daemon.logged(({ msg }) => msg.includes('without the right secret'));
  const { document } = await cli.json(['nudge', 'status', 'account']);
  expect(document).toMatchObject({
    endpoint: { url: other.MIRRORVERSE_NUDGE_URL, outcome: 'unchanged' },
    tables: [
      {
        table: 'account',
        steps: [
          { message: 'Create', registered: true, enabled: true, failures: 1 },
          { message: 'Update', failures: 0 },
          { message: 'Delete', failures: 0 },
        ],
      },
      { table: 'contact' },
    ],
  });
});

it('nudge remove removes the steps of the named tables, and the endpoint with the last one', async () => {
  const { cli, emulator } = bench;
  // Another mirror of the same environment.
  await cli.run(['nudge', 'register', 'contact'], { MIRRORVERSE_SCHEMA: 'other' });
  expect([emulator.webhooks.endpoints.size, steps()]).toEqual([2, 9]);
  expect((await cli.run(['nudge', 'remove', 'account'])).stdout).toContain('account: 3 steps removed');
  expect([emulator.webhooks.endpoints.size, steps()]).toEqual([2, 6]);
  expect((await cli.run(['nudge', 'remove'])).stdout).toContain('The endpoint was removed.');
  expect([emulator.webhooks.endpoints.size, steps()]).toEqual([1, 3]);
  expect((await cli.run(['nudge', 'status', 'account'])).stdout).toContain('The endpoint is not registered.');
});

it('nudge tells what is missing', async () => {
  const { cli, emulator } = bench;
  const without = await cli.run(['nudge', 'register'], {
    MIRRORVERSE_NUDGE_URL: '',
    MIRRORVERSE_NUDGE_SECRET: '',
  });
  expect(without.status).toBe(2);
  expect(without.stderr).toContain('MIRRORVERSE_NUDGE_URL');
  expect(without.stderr).toContain('MIRRORVERSE_NUDGE_SECRET');
  expect((await cli.run(['nudge', 'wake'])).status).toBe(2);
  emulator.settings.mayCustomize = false;
  const refused = await cli.run(['nudge', 'register', 'account']);
  emulator.settings.mayCustomize = true;
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('nudge-privilege-missing');
  const yaml = await cli.file('queue.yaml', 'nudge: { queue: nudges }');
  const connection = 'Endpoint=sb://contoso/;SharedAccessKeyName=a;SharedAccessKey=c2VjcmV0';
  const variables = { MIRRORVERSE_NUDGE_QUEUE_CONNECTION: connection, MIRRORVERSE_CONFIG: yaml };
  const queued = await cli.run(['run'], variables);
  expect(queued.status).toBe(2);
  expect(queued.stderr).toContain('@azure/service-bus, which is not installed');
  const run = await cli.run(['run'], { MIRRORVERSE_NUDGE_SECRET: '' });
  expect(run.status).toBe(2);
  expect(run.stderr).toContain('MIRRORVERSE_NUDGE_SECRET');
});
