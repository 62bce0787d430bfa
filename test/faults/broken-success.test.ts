import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createChangeFeed, type ChangeFeed } from '../../src/dataverse/feed/change-feed.ts';
import type { Dataverse } from '../../src/dataverse/dataverse.ts';
import type { Fault, FaultAction } from '../../src/emulator/faults/fault-script.ts';
import { toFailure } from '../../src/model/failure.ts';
import { speedUpTime } from '../support/fast-time.ts';
import { never } from '../support/mirror.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

/** Attempts at one request, the first among them. */
const ATTEMPTS = 6;
const ERROR = { code: '0x80040216', message: 'An unexpected error occurred.' };

const PLAIN = { name: 'identity', encode: (body: Buffer): Buffer => body };

// The waits between two attempts; what is longer is a limit.
beforeAll(() => speedUpTime(250, 5_000));

/** The page with its last rows lost, and whatever else is told beside them. */
function losing(told: object, first = false): (json: unknown) => unknown {
  return (json) => {
    const page = json as { value: unknown[] };
    const rest = { ...page, value: page.value.slice(0, -5) };
    return first ? { ...told, ...rest } : { ...rest, ...told };
  };
}

/** An answer with an error in place of what it lists. */
function emptied(json: unknown): unknown {
  return { ...(json as object), value: [], error: ERROR };
}

function half(text: string): string {
  return text.slice(0, text.length / 2);
}

function gzip(body: Buffer): Buffer {
  return gzipSync(body);
}

/** The page with something in place of its last rows. */
function endingIn(entry: unknown): (json: unknown) => unknown {
  return (json) => {
    const page = json as { value: unknown[] };
    return { ...page, value: [...page.value.slice(0, -5), entry] };
  };
}

describe('a success that is not whole', () => {
  const successes: Record<string, FaultAction> = {
    'by an error behind its rows': { transform: losing({ error: ERROR }) },
    'by an error before its rows': { transform: losing({ error: ERROR }, true) },
    'by an annotation': { transform: losing({ '@odata.error': ERROR }) },
    'by words': { transform: losing({ Message: 'An error has occurred.' }) },
    'by an entry that is an error': { transform: endingIn({ error: ERROR }) },
    'by an entry that is no row': { transform: endingIn(ERROR) },
    'by an entry that is a text': { transform: endingIn('An error has occurred.') },
    'by an error at which it breaks off': {
      transformText: (text) => `${text.slice(0, text.indexOf('},{') + 2)}{"error":${JSON.stringify(ERROR)}`,
    },
    'by a trailer': { transform: losing({}), trailers: { 'OData-Error': JSON.stringify({ error: ERROR }) } },
    'by its status': { transform: losing({}), status: 206 },
    'by naming the part it is': { transform: losing({}), headers: { 'Content-Range': 'items 0-4/10' } },
    'by breaking off': { transformText: (text) => text.slice(0, text.length / 2) },
    'by being two': { transformText: (text) => text + text },
    'by two lists of rows': { transformText: (text) => text.replace(/\}$/, ',"value":[]}') },
    'by nothing': { body: '' },
    'by a connection that ends where the body would go on': { unframed: true, coding: PLAIN, cutAt: 9_000 },
  };
  let bench: SyncBench;
  let dataverse: Dataverse;
  let feed: ChangeFeed;
  beforeAll(async () => {
    bench = await SyncBench.open();
    bench.emulator.store.seed('account', 30);
    dataverse = bench.dataverse();
    feed = createChangeFeed(dataverse.client, await dataverse.metadata.table('account', never), 30);
  });
  afterAll(async () => {
    await dataverse.close();
    await bench[Symbol.asyncDispose]();
  });

  for (const [what, action] of Object.entries(successes)) {
    it(`a success that is not whole is asked for again where it says so ${what}`, async () => {
      const { faults } = bench.emulator;
      const once = faults.add({ match: { kind: 'baseline' }, times: 1, do: action });
      const page = await feed.begin(never);
      expect([once.hits, page.rows]).toEqual([1, 30]);
      page.release?.();
      const always = faults.add({ match: { kind: 'baseline' }, do: action });
      const failure: unknown = await feed.begin(never).catch((error: unknown) => error);
      expect(failure).toMatchObject({ reaction: 'retry' });
      expect(toFailure(failure).code).toMatch(/^(?:source-unavailable|unexpected-answer)$/);
      expect(toFailure(failure).message).toMatch(/a success that tells of a failure|not whole/);
      expect(always.hits).toBe(ATTEMPTS);
      always.remove();
    });
  }
});

it('a page that says it is not whole is not stored, and a re-baseline deletes no row because of it', async () => {
  await using bench = await SyncBench.open();
  const { store, faults } = bench.emulator;
  store.seed('account', 30);
  const lost = { match: { kind: 'next' as const }, do: { transform: losing({ error: ERROR }) } };
  const fault = faults.add({ ...lost, times: ATTEMPTS });
  expect(failures(await bench.sync(['account'], { pageSize: 10 }))).toEqual({
    account: 'source-unavailable',
  });
  expect(fault.hits).toBe(ATTEMPTS);
  expect(await bench.database.query('SELECT FROM dataverse.account')).toHaveLength(10);
  faults.add({ ...lost, times: 1 });
  expect(failures(await bench.sync(['account'], { pageSize: 10 }))).toEqual({});
  faults.add({ ...lost, times: 1 });
  expect(failures(await bench.sync(['account'], { pageSize: 10 }, { restart: true }))).toEqual({});
  expect(await differences(store, bench.database, 'account')).toEqual([]);
});

describe('the code of an error within a success', () => {
  let bench: SyncBench;
  beforeAll(async () => {
    bench = await SyncBench.open();
    bench.emulator.store.seed('account', 300);
    await bench.sync(['account']);
  });
  afterAll(async () => bench[Symbol.asyncDispose]());
  beforeEach(() => bench.emulator.requests.clear());

  it('an expired link within a success is answered by a re-baseline', async () => {
    const error = { code: '0x80044352', message: 'Version stamp has expired.' };
    const transform = (json: unknown): unknown => ({ ...(json as object), error });
    bench.emulator.faults.add({ match: { kind: 'delta' }, times: 1, do: { transform } });
    expect(failures(await bench.sync(['account']))).toEqual({});
    expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(1);
  });

  it('a throttling error within a success pauses all requests', async () => {
    const pauses: number[] = [];
    const dataverse = bench.dataverse({ onThrottle: (milliseconds) => void pauses.push(milliseconds) });
    const error = { code: '0x80072322', message: 'Number of requests exceeded the limit.' };
    const throttled = { transform: losing({ error }), headers: { 'Retry-After': '3' } };
    bench.emulator.faults.add({ match: { kind: 'delta' }, times: 1, do: throttled });
    expect(failures(await bench.sync(['account'], { dataverse }))).toEqual({});
    expect(pauses).toEqual([3_000]);
  });

  it('a database time-out within a success makes the page smaller', async () => {
    const error = { code: '0x80044151', message: 'SQL timeout expired.' };
    bench.emulator.faults.add({
      match: { kind: 'baseline' },
      times: 1,
      do: { transform: losing({ error }) },
    });
    expect(failures(await bench.sync(['account'], { pageSize: 400 }, { restart: true }))).toEqual({});
    const sizes = bench.emulator.requests.find({ kind: 'baseline' }).map(({ headers }) => headers['prefer']);
    expect(sizes[1]).toContain('maxpagesize=200');
    expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
  });

  const kinds: Record<string, Pick<Fault, 'match' | 'do'>> = {
    'about the organization': { match: { path: 'organizations' }, do: { transform: emptied } },
    'with the definitions': { match: { path: 'EntityDefinitions?' }, do: { transform: emptied } },
    'with the attributes': { match: { path: '/Attributes?' }, do: { transform: emptied } },
    'of the definitions cut in the middle': {
      match: { path: 'EntityDefinitions?' },
      do: { transformText: half },
    },
    'of $metadata cut in the middle': { match: { path: '$metadata' }, do: { transformText: half } },
    'of $metadata with an error in the middle': {
      match: { path: '$metadata' },
      do: { transformText: (text) => text.replace('</Schema>', '<m:error/></Schema>') },
    },
  };
  for (const [what, fault] of Object.entries(kinds)) {
    it(`an answer ${what} is asked for again`, async () => {
      // Nobody reads the metadata of an unchanged environment.
      bench.emulator.store.renameTable('account', [what, what]);
      const told = bench.emulator.faults.add({ ...fault, times: 1 });
      await using session = await bench.session(['account']);
      await session.look();
      expect(failures(await session.sync())).toEqual({});
      expect(told.hits).toBe(1);
      expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
    });
  }

  it('a row that is read again is not taken for gone by an error with 200', async () => {
    const { store, faults } = bench.emulator;
    const id = store.data('account').ordered()[0]?.id;
    // Another reason than a plain deletion: only reading the row again tells.
    const tombstone = { '@odata.context': 'x#accounts/$deletedEntity', id, reason: 'changed' };
    const transform = (json: unknown): unknown => ({ ...(json as object), value: [tombstone] });
    faults.add({ match: { kind: 'delta' }, times: 1, do: { transform } });
    const gone = { error: { code: '0x80040217', message: 'It does not exist.' } };
    const fault = faults.add({ match: { kind: 'row' }, times: 1, do: { body: gone } });
    expect(failures(await bench.sync(['account']))).toEqual({});
    expect(fault.hits).toBe(1);
    expect(await differences(store, bench.database, 'account')).toEqual([]);
  });

  it('a row that is read again is neither gone nor stored where another one comes in its place', async () => {
    const { store, faults } = bench.emulator;
    const id = store.data('account').ordered()[0]?.id;
    const tombstone = { '@odata.context': 'x#accounts/$deletedEntity', id, reason: 'changed' };
    const before = await bench.database.query('SELECT * FROM dataverse.account ORDER BY accountid');
    for (const accountid of ['00000000-0000-4000-8000-0000000000ff', null, undefined]) {
      const tell = (json: unknown): unknown => ({ ...(json as object), value: [tombstone] });
      faults.add({ match: { kind: 'delta' }, times: 1, do: { transform: tell } });
      const another = (json: unknown): unknown => ({ ...(json as object), accountid });
      faults.add({ match: { kind: 'row' }, times: 1, do: { transform: another } });
      expect(failures(await bench.sync(['account']))).toEqual({ account: 'unexpected-answer' });
      expect(await bench.database.query('SELECT * FROM dataverse.account ORDER BY accountid')).toEqual(
        before,
      );
      faults.clear();
    }
    expect(failures(await bench.sync(['account']))).toEqual({});
    expect(await differences(store, bench.database, 'account')).toEqual([]);
  });
});

describe('answers in unusual forms of HTTP', () => {
  let bench: SyncBench;
  beforeAll(async () => {
    bench = await SyncBench.open();
    bench.emulator.store.seed('account', 30);
  });
  afterAll(async () => bench[Symbol.asyncDispose]());
  beforeEach(() => {
    bench.emulator.requests.clear();
    bench.emulator.faults.clear();
  });

  const forms: Record<string, FaultAction> = {
    'a coding in capitals': { coding: { name: 'GZIP', encode: gzip } },
    'an old alias': { coding: { name: 'x-gzip', encode: gzip } },
    'two codings': { coding: { name: 'gzip, identity, gzip', encode: (body) => gzip(gzip(body)) } },
    'a byte order mark': { transformText: (text) => `\uFEFF${text}` },
  };
  for (const [what, action] of Object.entries(forms)) {
    it(`${what} in every answer is read as the standard says`, async () => {
      bench.emulator.store.seed('account', 1);
      bench.emulator.faults.add({ do: action });
      expect(failures(await bench.sync(['account'], { pageSize: 20 }))).toEqual({});
      expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
    });
  }

  it('a coding that nobody knows is named, once', async () => {
    const coding = { ...PLAIN, name: 'zstd' };
    const fault = bench.emulator.faults.add({ match: { kind: 'delta' }, do: { coding } });
    const [result] = await bench.sync(['account']);
    expect(result?.failure?.message).toContain('content coding');
    expect(fault.hits).toBe(1);
  });

  it('a refusal without a body under a coding pauses all requests as long as it says', async () => {
    for (const status of [429, 503]) {
      const pauses: number[] = [];
      const dataverse = bench.dataverse({ onThrottle: (milliseconds) => void pauses.push(milliseconds) });
      const coding = { ...PLAIN, name: 'gzip' };
      const fault = bench.emulator.faults.add({
        match: { kind: 'delta' },
        times: 1,
        do: { status, body: '', retryAfter: 4, coding },
      });
      expect(failures(await bench.sync(['account'], { dataverse }))).toEqual({});
      expect(pauses).toEqual(status === 429 ? [4_000] : []);
      expect(fault.hits).toBe(1);
    }
  });

  const relative: Record<string, (link: URL) => string> = {
    'from the table': ({ pathname, search }) => pathname.split('/').at(-1) + search,
    'from the root': ({ pathname, search }) => pathname + search,
    'without a scheme': ({ host, pathname, search }) => `//${host}${pathname}${search}`,
    'as a query alone': ({ search }) => search,
  };
  for (const [what, form] of Object.entries(relative)) {
    it(`links that are relative ${what} are stored as what they mean`, async () => {
      const { store, faults, requests } = bench.emulator;
      const links = /("@odata\.(?:next|delta)Link":)("(?:[^"\\]|\\.)*")/g;
      faults.add({
        match: { kind: ['baseline', 'next', 'delta'] },
        do: {
          transformText: (text) =>
            text.replace(links, (_, name: string, link: string) => {
              return name + JSON.stringify(form(new URL(JSON.parse(link) as string)));
            }),
        },
      });
      expect(failures(await bench.sync(['account'], { pageSize: 20 }, { restart: true }))).toEqual({});
      store.seed('account', 5);
      expect(failures(await bench.sync(['account'], { pageSize: 20 }))).toEqual({});
      expect(requests.count({ kind: 'baseline' })).toBe(1);
      expect(await differences(store, bench.database, 'account')).toEqual([]);
      const [{ link } = { link: '' }] = await bench.database.query<{ link: string }>(
        'SELECT link FROM mirrorverse.tables',
      );
      expect(link).toMatch(new RegExp(`^${bench.url}/api/data/v9.2/accounts\\?`));
    });
  }

  it('a relative link that an earlier version stored is followed', async () => {
    const { store, requests } = bench.emulator;
    await bench.sync(['account']);
    await bench.database.query(
      `UPDATE mirrorverse.tables SET link = replace(link, '${bench.url}/api/data/v9.2/', '')`,
    );
    store.seed('account', 5);
    expect(failures(await bench.sync(['account']))).toEqual({});
    expect(requests.count({ kind: 'baseline' })).toBe(0);
    expect(await differences(store, bench.database, 'account')).toEqual([]);
  });
});
