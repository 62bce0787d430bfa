import { expect, it } from 'vitest';
import { openBench } from '../support/bench.ts';
import { logLines } from '../support/command-line.ts';

it('erase removes what is kept of a row, says what is left to do, and refuses a key of another form and a table that nobody knows', async () => {
  await using bench = await openBench([], { MIRRORVERSE_TABLES: '' });
  const { cli, emulator } = bench;
  await cli.file('mirrorverse.yaml', 'labels: false\nfeed: true\ntables: [account]\n');
  emulator.store.seed('account', 2);
  expect((await cli.run(['sync'])).status).toBe(0);
  const [key = ''] = (
    await bench.database.query<{ accountid: string }>('SELECT accountid FROM dataverse.account')
  ).map(({ accountid }) => accountid);

  const live = await cli.run(['erase', 'account', key]);
  expect(live).toMatchObject({ status: 0 });
  expect(live.stdout).toMatch(
    /^Nothing was kept of this row of account\.\nThe mirror table still has the row/,
  );
  emulator.store.remove('account', key);
  expect((await cli.run(['sync'])).status).toBe(0);
  const { document, status, stderr } = await cli.json(['erase', 'account', key]);
  expect(document).toEqual({
    table: 'account',
    key,
    removed: {
      changes: 1,
      history: 0,
      quarantine: 0,
      differences: 0,
      auditDetails: 0,
      deadLetters: 0,
      files: 0,
      mirror: 0,
    },
    inMirror: false,
    bodiesLeft: 0,
  });
  expect(status).toBe(0);
  expect(logLines(stderr)).toMatchObject([{ table: 'account', removed: { changes: 1 } }]);
  expect(stderr).not.toContain(key);

  const wrong = [['account'], ['account', 'name'], ['account', `${key},partition`], ['account', key, key]];
  const [unknown, ...refused] = await Promise.all(
    [['acount', key], ...wrong].map(async (words) => cli.run(['erase', ...words])),
  );
  for (const each of refused) expect(each).toMatchObject({ status: 2, stdout: '' });
  expect(unknown).toMatchObject({ status: 1, stdout: '' });
  expect(unknown?.stderr).toContain('Did you mean account?');
});
