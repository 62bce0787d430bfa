import { describe, expect, it } from 'vitest';
import { CommandLine, logLines } from '../support/command-line.ts';
import { leaks, ROW_CANARY } from '../support/canaries.ts';
import { FailpointProcess } from '../support/failpoint-process.ts';
import { failures, SyncBench } from '../support/sync.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';

const PASSWORD = 'canary-of-a-password';
const TOKEN = 'canary-of-a-token';

/** What `status` says, in each of these surroundings, when it cannot work. */
async function complaints(
  environments: readonly Readonly<Record<string, string>>[],
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  await using cli = await CommandLine.open({ MIRRORVERSE_TABLES: 'account', MIRRORVERSE_LOG_LEVEL: 'trace' });
  for (const [name, text] of Object.entries(files)) await cli.file(name, text);
  const ended = await Promise.all(environments.map(async (each) => cli.run(['status'], each)));
  for (const { status, stderr } of ended) {
    expect(status).not.toBe(0);
    expect(logLines(stderr)).not.toEqual([]);
  }
  return ended.map(({ stdout, stderr }) => stdout + stderr).join('\n');
}

describe('a password in the address of the database', () => {
  it('a password in the address of the database is in no output, whatever is wrong with the address', async () => {
    const urls = [
      `postgres://mirror:${PASSWORD}@db:port/crm`,
      `mysql://mirror:${PASSWORD}@db/crm`,
      `mirror:${PASSWORD}@db`,
      `postgres://mirror:${PASSWORD}@127.0.0.1:1/crm`,
      `postgres://mirror:${PASSWORD}@127.0.0.1:1/crm?sslmode=no-verify`,
      `postgres://mirror:${PASSWORD}@127.0.0.1:1/crm?sslmode=require&sslcert=a.pem&sslkey=a.pem`,
    ];
    const key = `-----BEGIN PRIVATE KEY-----\n${PASSWORD}\n-----END PRIVATE KEY-----\n`;
    const told = await complaints(
      urls.map((url) => ({ DATABASE_URL: url })),
      { 'a.pem': key },
    );
    expect(told).not.toContain(PASSWORD);
  });

  it('a password in a file of the address is in no output, whatever is wrong with the file', async () => {
    const files = {
      'alias.yaml': `postgres:\n  url: *${PASSWORD}\n`,
      'open.yaml': `postgres:\n  url: postgres://mirror:"${PASSWORD}: x\n   - y`,
      'mapping.yaml': `postgres:\n  url:\n    postgres: '${PASSWORD}'\n`,
    };
    const named = Object.keys(files).map((name) => ({ MIRRORVERSE_CONFIG: name }));
    expect(await complaints(named, files)).not.toContain(PASSWORD);
  });
});

describe('a secret that cannot be used', () => {
  it.each([
    ['a token that no header can carry', 'DATAVERSE_ACCESS_TOKEN', `${TOKEN}\n\u0001x`],
    ['a token where its file was asked for', 'DATAVERSE_ACCESS_TOKEN_FILE', TOKEN],
  ])(
    'a secret that cannot be used is an error of the configuration, reported by its variable: %s',
    async (_, variable, value) => {
      await using cli = await CommandLine.open({
        DATAVERSE_URL: 'https://contoso.crm.dynamics.com',
        DATABASE_URL: 'postgres://127.0.0.1:1/crm',
        MIRRORVERSE_TABLES: 'account',
      });
      const { status, stdout, stderr } = await cli.run(['sync'], { [variable]: value });
      expect(status).toBe(2);
      expect(logLines(stderr).map(({ key }) => key)).toContain(variable);
      expect(stdout + stderr).not.toContain(TOKEN);
    },
  );

  it('line breaks around a secret are dropped', async () => {
    await using bench = await SyncBench.open();
    const environment = mirrorEnvironment(bench, ['account']);
    await using cli = await CommandLine.open({ ...environment, DATABASE_URL: `${bench.database.url}\n` });
    const token = `\r\n${environment['DATAVERSE_ACCESS_TOKEN'] ?? ''}\r\n`;
    const file = await cli.file('token', `\ufeff${token}`);
    for (const given of [
      { DATAVERSE_ACCESS_TOKEN: token },
      { DATAVERSE_ACCESS_TOKEN: '', DATAVERSE_ACCESS_TOKEN_FILE: file },
    ]) {
      expect((await cli.run(['sync'], given)).status).toBe(0);
    }
  });
});

it('a defect whose error carries rows, links and secrets shows its type, message and place', async () => {
  await using bench = await SyncBench.open();
  bench.emulator.store.insert('account', { name: 'good' });
  const environment = mirrorEnvironment(bench, ['account'], { MIRRORVERSE_LOG_LEVEL: 'trace' });
  const failpoint = { kind: 'defect', text: 'update .* "link" = ', nth: 1 } as const;
  await using sync = FailpointProcess.start(['sync'], environment, failpoint);
  const { status, stderr } = await sync.end();
  expect(status).toBe(1);
  expect(logLines(stderr).filter(({ err }) => err !== undefined)).toMatchObject([
    { code: 'unexpected', err: { message: 'a defect in a statement', cause: { cause: { code: '22P02' } } } },
  ]);
  const state = await bench.database.query(
    'SELECT t::text FROM mirrorverse.tables t UNION ALL SELECT r::text FROM mirrorverse.runs r',
  );
  expect(JSON.stringify(state)).toContain('a defect in a statement');
  expect(leaks(JSON.stringify(state), [environment['DATAVERSE_ACCESS_TOKEN'] ?? ''])).toEqual([]);
});

describe('a value that PostgreSQL refuses', () => {
  it.each([
    ['a unique index', 'CREATE UNIQUE INDEX ON dataverse.account (name)'],
    ['a check constraint', `ALTER TABLE dataverse.account ADD CHECK (name NOT LIKE '${ROW_CANARY}%')`],
    [
      'a trigger that quotes it',
      `CREATE FUNCTION public.quote() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'value %', NEW.name USING DETAIL = NEW.name, ERRCODE = 'XX000'; END $$;
       CREATE TRIGGER quote BEFORE INSERT ON dataverse.account FOR EACH ROW EXECUTE FUNCTION public.quote()`,
    ],
    [
      'a trigger that reads it as a number',
      `CREATE FUNCTION public.as_number() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.name := NEW.name::integer; RETURN NEW; END $$;
       CREATE TRIGGER as_number BEFORE INSERT ON dataverse.account FOR EACH ROW EXECUTE FUNCTION public.as_number()`,
    ],
    [
      'a trigger that denies it by a privilege that is none',
      `CREATE FUNCTION public.deny() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'permission denied for table %', NEW.name USING ERRCODE = '42501'; END $$;
       CREATE TRIGGER deny BEFORE INSERT ON dataverse.account FOR EACH ROW EXECUTE FUNCTION public.deny()`,
    ],
    [
      'a trigger that calls it a constraint and a column',
      `CREATE FUNCTION public.name() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
          RAISE EXCEPTION 'no' USING ERRCODE = '23514', CONSTRAINT = NEW.name, COLUMN = NEW.name, TABLE = NEW.name;
        END $$;
       CREATE TRIGGER name BEFORE INSERT ON dataverse.account FOR EACH ROW EXECUTE FUNCTION public.name()`,
    ],
  ])('a value that PostgreSQL refuses is in no log, message or state: by %s', async (_, obstacle) => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    store.insert('account', { name: 'good' });
    expect(failures(await bench.sync(['account']))).toEqual({});
    await bench.database.query(obstacle);
    store.insert('account', { name: ROW_CANARY });
    store.insert('account', { name: ROW_CANARY });
    const told: string[] = [];
    const results = await bench.sync(['account'], { warn: (message) => told.push(message) });
    expect(results[0]?.failure !== null || results[0].rowsQuarantined > 0).toBe(true);

    const state = await bench.database.query(
      `SELECT t::text FROM mirrorverse.tables t UNION ALL SELECT reason FROM mirrorverse.quarantine`,
    );
    const { failure } = results[0] ?? {};
    const said = [
      ...told,
      ...state.map((row) => String(Object.values(row)[0])),
      failure?.message,
      failure?.remedy,
    ];
    expect(said.join('\n')).not.toContain(ROW_CANARY);
    await using cli = await CommandLine.open({
      DATABASE_URL: bench.database.url,
      MIRRORVERSE_TABLES: 'account',
    });
    await Promise.all([cli.run(['status']), cli.run(['quarantine'])]);
  });
});

it('the check for leaks finds what it looks for', () => {
  expect(leaks(`a ${PASSWORD} b`, [PASSWORD])).toHaveLength(1);
  expect(leaks('https://org/api?$deltatoken=919042%2108%2f22', [])).toHaveLength(1);
  expect(leaks(`a ${Buffer.from(`x:${PASSWORD}`).toString('base64')} b`, [`x:${PASSWORD}`])).toHaveLength(1);
  expect(leaks('Authorization: Bearer x', [])).toHaveLength(1);
  expect(leaks('nothing, Bearer …', [PASSWORD])).toEqual([]);
});
