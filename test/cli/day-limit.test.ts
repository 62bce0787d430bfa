import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { dataRequests, openBench } from '../support/bench.ts';
import { eventually, logLines } from '../support/command-line.ts';
import { isMirrored } from '../support/oracle.ts';

const yaml = (tables: string, perDay: number): string =>
  `schedule: '* * * * * *'\nverify: false\nlimits: { requestsPerDay: ${perDay} }\ntables: ${tables}\n`;

it('loads wait and deltas go on once all processes together have spent limits.requestsPerDay, until the limit is raised', async () => {
  await using bench = await openBench([], { MIRRORVERSE_TABLES: '' });
  const { cli, emulator, database } = bench;
  emulator.store.seed('account', 5);
  emulator.store.seed('contact', 5);
  const file = await cli.file('mirrorverse.yaml', yaml('[account]', 100_000));
  expect((await cli.run(['sync'])).stderr).not.toContain('day-spent');
  // Another process has spent the day.
  await database.query(
    `INSERT INTO mirrorverse.requests SELECT environment_id, 'another', minute - interval '3 hours', 5000 FROM mirrorverse.requests LIMIT 1`,
  );
  await writeFile(file, yaml('[account, contact]', 5_000));
  const daemon = cli.start(['run']);
  await daemon.logged(({ code }) => code === 'day-spent');
  emulator.store.seed('account', 3);
  await eventually(async () => isMirrored(emulator.store, database, ['account']));
  expect(dataRequests(emulator, 'contact')).toEqual([]);
  const status = await cli.run(['status']);
  expect(status.stdout).toContain('The requests of a day are spent: 5,');
  expect((await cli.json(['status'])).document).toMatchObject({ budget: { requestsPerDay: 5_000 } });
  await writeFile(file, yaml('[account, contact]', 100_000));
  daemon.child.kill('SIGHUP');
  await eventually(async () => isMirrored(emulator.store, database, ['account', 'contact']));
  await daemon.stop('SIGTERM');
  const told = logLines(daemon.stderr).filter(
    ({ code, msg }) => code === 'day-spent' || msg.includes('go on:'),
  );
  expect(told.map(({ level }) => level)).toEqual(['warn', 'info']);
});
