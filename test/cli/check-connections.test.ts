import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loggedCodes } from '../support/command-line.ts';
import { databaseServerUrl, freshRole } from '../support/database.ts';
import { freePort, openBench, type Bench } from '../support/bench.ts';
import { failedFinding, runCheck } from '../support/check-document.ts';

let bench: Bench;
beforeAll(async () => {
  // No schema is there yet.
  bench = await openBench(['account'], {}, 'administrator');
});
afterAll(async () => bench[Symbol.asyncDispose]());

describe('check', () => {
  it.each([
    ['a wrong bearer token', { DATAVERSE_ACCESS_TOKEN: 'stale' }, 'dataverse.sign-in', 'sign-in-refused'],
    [
      'an unreachable database',
      { DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none' },
      'postgres.connect',
      'database-unreachable',
    ],
    [
      'a missing database',
      () => ({ DATABASE_URL: new URL('/nosuchdatabase', databaseServerUrl()).href }),
      'postgres.connect',
      'database-missing',
    ],
  ])('check reports %s with the code of a run', async (_, given, id, code) => {
    const environment = typeof given === 'function' ? given() : given;
    const [check, sync] = await Promise.all([
      runCheck(bench.cli, environment),
      bench.cli.run(['sync'], environment),
    ]);
    const finding = failedFinding(check, id);
    expect(finding.code).toBe(code);
    expect(finding.remedy).toMatch(/\w+.*\./);
    expect(sync).toMatchObject({ status: 1, stdout: '' });
    expect(loggedCodes(sync.stderr)).toContain(code);
  });

  it('check reports a role that may not create schemas, with the statement that mends it', async () => {
    const { database, cli } = bench;
    await using role = await freshRole(database);
    const environment = { DATABASE_URL: role.url };
    const finding = failedFinding(await runCheck(bench.cli, environment), 'postgres.grants');
    expect(finding.code).toBe('grant-missing');
    for (const schema of ['dataverse', 'mirrorverse', 'dataverse_labeled']) {
      expect(finding.message.split(/[ ,]+/)).toContain(schema);
    }
    const sync = await cli.run(['sync'], environment);
    expect(sync.status).toBe(1);
    expect(loggedCodes(sync.stderr)).toContain('grant-missing');

    await database.query(finding.remedy?.replace('Run as an administrator: ', '') ?? '');
    expect((await runCheck(bench.cli, environment)).ok).toBe(true);
  });

  it('check reports an address where nobody listens and one that does not resolve, without long tries', async () => {
    const closed = `http://127.0.0.1:${await freePort()}`;
    const unknown = 'https://contoso.invalid';
    const [check, sync, unresolved] = await Promise.all([
      runCheck(bench.cli, { DATAVERSE_URL: closed }),
      bench.cli.run(['sync'], { DATAVERSE_URL: closed }),
      runCheck(bench.cli, { DATAVERSE_URL: unknown }),
    ]);
    const finding = failedFinding(check, 'dataverse.sign-in');
    expect(finding).toMatchObject({ code: 'source-unavailable', subject: closed });
    expect(finding.message).toContain(`${closed} cannot be reached`);
    // A request that is repeated as usual takes 20 s.
    expect(check.milliseconds).toBeLessThan(15_000);
    expect(sync.status).toBe(1);
    expect(loggedCodes(sync.stderr)).toContain('source-unavailable');
    const name = failedFinding(unresolved, 'dataverse.sign-in');
    expect(name).toMatchObject({ code: 'source-unavailable', subject: unknown });
    expect(name.message).toContain('The host name contoso.invalid of the environment does not resolve');
    expect(unresolved.milliseconds).toBeLessThan(15_000);
  });

  it('check says at the first contact that a server speaks no TLS', async () => {
    const url = bench.url.replace('http:', 'https:');
    const check = await runCheck(bench.cli, { DATAVERSE_URL: url });
    const finding = failedFinding(check, 'dataverse.sign-in');
    expect(finding).toMatchObject({ code: 'source-unavailable', subject: url });
    expect(finding.message).toMatch(/does not speak TLS/);
    expect(check.milliseconds).toBeLessThan(15_000);
  });
});
