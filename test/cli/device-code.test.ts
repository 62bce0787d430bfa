import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBench, type Bench } from '../support/bench.ts';
import { loggedCodes, logLines } from '../support/command-line.ts';
import { openDeviceCodeAuthority, type DeviceCodeAuthority } from '../support/device-code-authority.ts';
import { CERTIFICATE } from '../support/token-authority.ts';

let bench: Bench;
let authority: DeviceCodeAuthority;
let signIn: Record<string, string>;

beforeAll(async () => {
  bench = await openBench(['account'], { DATAVERSE_ACCESS_TOKEN: '', MIRRORVERSE_LOG_LEVEL: 'warn' });
  bench.emulator.store.seed('account', 3);
  authority = await openDeviceCodeAuthority('emulator-token');
  signIn = {
    MIRRORVERSE_AUTH: 'device-code',
    AZURE_AUTHORITY_HOST: authority.url,
    NODE_EXTRA_CA_CERTS: CERTIFICATE,
  };
});
afterAll(async () => {
  await authority[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});

it('a person signs in once by a device code, which the log shows with its page', async () => {
  const { status, stderr } = await bench.cli.run(['sync'], signIn);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  const told = logLines(stderr).filter(({ msg }) => msg.includes('CANARY-42'));
  expect(told.map(({ msg }) => msg)).toEqual([
    'To sign in, open https://microsoft.com/devicelogin in a browser and enter the code CANARY-42.',
  ]);
  const [code, ...tokens] = authority.forms;
  expect(code?.path).toBe('/organizations/oauth2/v2.0/devicecode');
  expect(code?.form.get('client_id')).toBe('51f81489-12ee-4a9e-aaae-a2591f45987d');
  expect(code?.form.get('scope')?.split(' ')).toContain(`${bench.url}/.default`);
  expect(tokens).toHaveLength(1);
});

it('a daemon whose sign-in is that of a person says that it ends with the process', async () => {
  const daemon = bench.cli.start(['run'], signIn);
  const warned = await daemon.logged(({ msg }) => msg.includes('first look'));
  expect(warned).toMatchObject({ level: 'warn', method: 'device-code' });
  await daemon.logged(({ msg }) => msg.includes('CANARY-42'));
  expect(await daemon.stop('SIGTERM')).toMatchObject({ status: 0 });
});

it('a person who declines, or who enters no code, ends the command with what to do', async () => {
  authority.person = 'declines';
  const declined = await bench.cli.run(['tables'], {
    ...signIn,
    AZURE_CLIENT_ID: 'own',
    AZURE_TENANT_ID: 'tenant',
  });
  expect(declined.status).toBe(1);
  expect(loggedCodes(declined.stderr)).toContain('sign-in-failed');
  expect(authority.forms.at(-1)?.path).toContain('/tenant/');
  expect(authority.forms.at(-1)?.form.get('client_id')).toBe('own');
  authority.person = 'waits';
  // Standard error is a pipe here; this is all by which the command tells a terminal.
  const terminal = { NODE_OPTIONS: '--import=data:text/javascript,process.stderr.isTTY=true' };
  const late = await bench.cli.run(['tables'], { ...signIn, ...terminal });
  expect(late.status).toBe(1);
  expect(late.stderr).toMatch(/^To sign in, open \S+ in a browser and enter the code CANARY-42\.$/m);
  expect(late.stderr).toContain('nobody entered the code in time');
  expect(declined.stderr + late.stderr).not.toMatch(/canary-device|\w+Credential\b|\w+Error\b/);
});

it('a token that the environment refuses does not make the person sign in again', async () => {
  authority.person = 'enters';
  authority.forms.length = 0;
  bench.emulator.faults.add({ match: { path: '/api/data/' }, do: { status: 401 } });
  const { status, stderr } = await bench.cli.run(['tables'], signIn);
  bench.emulator.faults.clear();
  expect(status).toBe(1);
  expect(loggedCodes(stderr)).toContain('sign-in-refused');
  expect(authority.forms.filter(({ path }) => path.endsWith('/devicecode'))).toHaveLength(1);
});
