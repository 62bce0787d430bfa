import { describe, expect, it } from 'vitest';
import { loggedCodes } from '../support/command-line.ts';
import { openBench } from '../support/bench.ts';

const SETTINGS = { DATABASE_URL: '', MIRRORVERSE_PAGE_BYTES: '64KiB' };

describe('get', () => {
  it('get prints the answer with its numbers as they came, and without the tokens of links', async () => {
    await using bench = await openBench([], SETTINGS);
    const { cli, emulator, url } = bench;
    emulator.store.seed('account', 30);
    emulator.faults.add({
      match: { table: 'account' },
      do: {
        transform: (json) => ({ ...(json as object), '@odata.count': 1 }),
        transformText: (text) => text.replace('"@odata.count":1', '"total":12345678901234567890.50'),
      },
    });
    const printed = await cli.run(['get', 'accounts?$select=name', '--page-size', '10', '--annotations']);
    expect(printed.status).toBe(0);
    expect(printed.stdout).toContain('"total": 12345678901234567890.50');
    expect(printed.stdout).toContain(
      `"@odata.nextLink": "${url}/api/data/v9.2/accounts?$select=name&$skiptoken=…"`,
    );
    expect(emulator.requests.find({ table: 'account' })[0]?.headers['prefer']).toBe(
      'odata.include-annotations="*",odata.maxpagesize=10',
    );
    const { document } = await cli.json(['get', '/api/data/v9.2/WhoAmI']);
    expect(document).toMatchObject({ ok: true, body: { UserId: expect.any(String) as string }, error: null });
    expect((await cli.run(['get', '$metadata'])).stdout).toMatch(/^<\?xml /);
  });

  it('get ends with 1 and names status and code of a refusal', async () => {
    await using bench = await openBench([], SETTINGS);
    const { status, document } = await bench.cli.json(['get', 'nothings']);
    expect(status).toBe(1);
    expect(document).toMatchObject({
      ok: false,
      body: null,
      error: { code: 'request-refused', status: 404, errorCode: '0x8006088a' },
    });
    const { message, remedy } = (document as { error: { message: string; remedy: string } }).error;
    expect(message).toMatch(/^The environment has nothing at \/api\/data\/v9\.2\/nothings \(404 /);
    expect(remedy).toMatch(/entity sets.*request id for a support case is [0-9a-f]{8}-/);
  });

  it('get refuses an answer beyond limits.pageBytes, and follows no redirect to another host', async () => {
    await using bench = await openBench([], SETTINGS);
    const { cli, emulator } = bench;
    emulator.store.seed('account', 500);
    const large = await cli.run(['get', 'accounts']);
    expect({ status: large.status, codes: loggedCodes(large.stderr) }).toEqual({
      status: 1,
      codes: ['answer-too-large'],
    });
    expect(large.stderr).toContain('Ask for less');
    emulator.faults.add({ do: { redirectTo: 'https://evil.example/api/data/v9.2/WhoAmI' } });
    const redirected = await cli.run(['get', 'WhoAmI']);
    expect({ status: redirected.status, codes: loggedCodes(redirected.stderr) }).toEqual({
      status: 1,
      codes: ['foreign-link'],
    });
  });

  it('get makes no request to another host, and none without one path', async () => {
    await using bench = await openBench([], SETTINGS);
    for (const args of [['https://evil.example/api/data/v9.2/WhoAmI'], [], ['WhoAmI', 'accounts']]) {
      expect((await bench.cli.run(['get', ...args])).status).toBe(2);
    }
    expect(bench.emulator.requests.find({})).toEqual([]);
  });
});
