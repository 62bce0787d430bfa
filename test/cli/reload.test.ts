import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openBench, type Bench } from '../support/bench.ts';
import { eventually, isError, logLines, type RunningCommand } from '../support/command-line.ts';
import { isMirrored } from '../support/oracle.ts';

/** The variable would win over the file. */
const BY_FILE = { MIRRORVERSE_TABLES: '' };
const EVERY_SECOND = "'* * * * * *'";

const yaml = (tables: string, more = ''): string => `schedule: ${EVERY_SECOND}\n${more}tables: ${tables}\n`;

async function mirrors(bench: Bench, tables: readonly string[]): Promise<void> {
  await eventually(async () => isMirrored(bench.emulator.store, bench.database, tables));
}

/** The messages of a log that came since `begin`, of one level. */
function since(daemon: RunningCommand, begin: number, level: string): string[] {
  return logLines(daemon.stderr.slice(begin)).flatMap((line) => (line.level === level ? [line.msg] : []));
}

const told = async (daemon: RunningCommand, text: string): Promise<unknown> =>
  daemon.logged(({ msg }) => msg.includes(text));

describe('the configuration of a running daemon', () => {
  it('the daemon follows its file all or nothing: tables, schedules and limits change, and a restart is asked for what cannot', async () => {
    await using bench = await openBench([], BY_FILE);
    const { cli, emulator } = bench;
    for (const table of ['account', 'contact', 'lead']) emulator.store.seed(table, 5);
    const file = await cli.file(
      'mirrorverse.yaml',
      yaml("[account, { name: contact, schedule: '0 0 1 1 *' }]"),
    );
    const daemon = cli.start(['run']);
    await mirrors(bench, ['account', 'contact']);

    // A table joins, and another one gets a schedule that ticks.
    emulator.store.seed('contact', 1);
    await writeFile(file, yaml('[account, contact, lead]', 'limits: { concurrency: 3 }\n'));
    daemon.child.kill('SIGHUP');
    await mirrors(bench, ['account', 'contact', 'lead']);
    const changes = logLines(daemon.stderr).filter((line) => line['as'] !== undefined);
    expect(changes.map((line) => [line['table'], line['as']])).toEqual([
      ['contact', 'changed'],
      ['lead', 'joined'],
    ]);
    expect(await told(daemon, 'was read anew')).toMatchObject({ changed: ['tables', 'limits.concurrency'] });

    // A file with a mistake changes nothing, and each mistake is told once.
    let begin = daemon.stderr.length;
    await writeFile(file, yaml('[account]', 'limits: { pagesize: 3, tables: 0 }\n'));
    daemon.child.kill('SIGHUP');
    await told(daemon, '2 problems. Nothing of it was applied');
    expect(since(daemon, begin, 'error').slice(0, 2)).toEqual([
      'limits.pagesize: is not a known key (line 2, column 11). Did you mean limits.pageSize?',
      'limits.tables: must be at least 1 (line 2, column 24)',
    ]);
    emulator.store.seed('lead', 1);
    await mirrors(bench, ['lead']);

    // A part that needs a restart is named, and the rest of that file is not applied either.
    begin = daemon.stderr.length;
    await writeFile(file, yaml('[account]', 'postgres: { schema: other }\nlease: 60s\n'));
    daemon.child.kill('SIGHUP');
    await eventually(() => since(daemon, begin, 'error').length >= 3);
    expect(since(daemon, begin, 'error').slice(0, 2)).toEqual([
      'postgres.schema: cannot change in a running process; restart mirrorverse',
      'lease: cannot change in a running process; restart mirrorverse',
    ]);
    emulator.store.seed('lead', 1);
    await mirrors(bench, ['lead']);

    // A table leaves, and the mirror keeps its rows.
    begin = daemon.stderr.length;
    await writeFile(file, yaml('[account, contact]'));
    daemon.child.kill('SIGHUP');
    await told(daemon, 'Table lead is not mirrored any more.');
    expect(await bench.database.query('SELECT FROM dataverse.lead')).toHaveLength(7);
    daemon.child.kill('SIGHUP');
    await told(daemon, 'Nothing has changed.');
    expect(await daemon.stop('SIGTERM')).toMatchObject({ status: 0 });
  });

  it('the daemon turns the change log of its tables on, with a marker, and off again, as its file says', async () => {
    await using bench = await openBench([], BY_FILE);
    const { cli, database, emulator } = bench;
    const { store } = emulator;
    for (const table of ['account', 'contact']) store.seed(table, 5);
    const tables = '[account, contact]';
    const file = await cli.file('mirrorverse.yaml', yaml(tables, 'reload: watch\n'));
    const daemon = cli.start(['run']);
    await mirrors(bench, ['account', 'contact']);
    const logged = async (): Promise<string[]> =>
      (
        await database.query<{ change: string }>(
          `SELECT table_name || ' ' || operation AS change FROM mirrorverse.changes ORDER BY table_name, position`,
        )
      ).map(({ change }) => change);
    expect(await logged()).toEqual([]);

    await writeFile(file, yaml(tables, 'reload: watch\nfeed: true\n'));
    await eventually(async () => (await logged()).length === 2);
    store.seed('account', 1);
    await eventually(async () => (await logged()).length > 2);
    expect(await logged()).toEqual(['account b', 'account c', 'contact b']);

    await writeFile(file, yaml('[{ name: account, feed: true }, contact]', 'reload: signal\n'));
    const triggers = `SELECT DISTINCT tgrelid::regclass::text AS name FROM pg_trigger WHERE tgname LIKE 'mirrorverse_changes%'`;
    await eventually(async () => (await database.query(triggers)).length === 1);
    expect(await database.query(triggers)).toEqual([{ name: 'dataverse.account' }]);
    store.seed('contact', 1);
    await mirrors(bench, ['contact']);

    await writeFile(file, yaml(tables));
    daemon.child.kill('SIGHUP');
    await eventually(async () => (await database.query(triggers)).length === 0);
    store.seed('account', 1);
    await mirrors(bench, ['account']);
    expect(await logged()).toEqual(['account b', 'account c', 'contact b']);
    expect(await daemon.stop('SIGTERM')).toMatchObject({ status: 0 });
  });

  it('the daemon follows a file whose link is turned, as Kubernetes does it, and keeps to SIGHUP with reload: signal', async () => {
    await using bench = await openBench([], BY_FILE);
    const { cli, emulator } = bench;
    for (const table of ['account', 'contact']) emulator.store.seed(table, 5);
    const volume = join(cli.directory, 'volume');
    const put = async (name: string, text: string): Promise<void> => {
      await mkdir(join(volume, name), { recursive: true });
      await writeFile(join(volume, name, 'mirrorverse.yaml'), text);
      await symlink(name, join(volume, `turning-${name}`));
      await rename(join(volume, `turning-${name}`), join(volume, '..data'));
    };
    await put('first', `schedule: ${EVERY_SECOND}\ntables: [account]\n`);
    await symlink(join('..data', 'mirrorverse.yaml'), join(volume, 'mirrorverse.yaml'));
    const daemon = cli.start(['run', '--config', join(volume, 'mirrorverse.yaml')]);
    await mirrors(bench, ['account']);

    await put(
      'second',
      `schedule: ${EVERY_SECOND}\nreload: signal\nlog: { level: debug }\nlabels: { schema: crm_labeled }\ntables: [account, contact]\n`,
    );
    await mirrors(bench, ['contact']);
    await daemon.logged(({ level, table }) => level === 'debug' && table === 'contact');
    const views =
      "SELECT FROM pg_views WHERE schemaname = 'crm_labeled' AND viewname IN ('account', 'contact')";
    await eventually(async () => (await bench.database.query(views)).length === 2);

    const begin = daemon.stderr.length;
    await put('third', 'tables: [');
    daemon.child.kill('SIGHUP');
    await eventually(() => since(daemon, begin, 'error').length > 1);
    expect(logLines(daemon.stderr.slice(begin)).filter(isError)[0]).toMatchObject({ line: 1 });
    expect(await daemon.stop('SIGTERM')).toMatchObject({ status: 0 });
  });

  it('SIGHUP tells a daemon without a file that its variables do not change', async () => {
    await using bench = await openBench(['account']);
    const daemon = bench.cli.start(['run']);
    await told(daemon, 'Mirroring.');
    daemon.child.kill('SIGHUP');
    await told(daemon, 'A running process keeps its variables.');
    expect(await daemon.stop('SIGTERM')).toMatchObject({ status: 0 });
  });
});
