import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineTable } from '../../src/emulator/table-parts/built-in-table.ts';
import { bool, memo, text } from '../../src/emulator/table-parts/column-kinds.ts';
import { auditColumns, primaryId } from '../../src/emulator/table-parts/standard-columns.ts';
import { uploadBody } from '../../src/emulator/store/file-bodies.ts';
import { bodyName, type FileWishes } from '../../src/model/files/file-place.ts';
import type { FilePass } from '../../src/sync/files/file-worker.ts';
import { BucketServer } from '../support/bucket-server.ts';
import { never } from '../support/mirror.ts';
import { SyncBench, type SyncOptions } from '../support/sync.ts';

const FILE = 'new_contract';
const ALL: SyncOptions = { columns: { files: ['*'] } };

let bench: SyncBench;
let folder: string;

beforeEach(async () => {
  bench = await SyncBench.open();
  folder = await mkdtemp(join(tmpdir(), 'mirrorverse-files-'));
});

afterEach(async () => {
  await bench[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Notes, whose bodies are texts in base64. */
const notes = defineTable({
  schemaName: 'Annotation',
  entitySetName: 'annotations',
  objectTypeCode: 5,
  displayName: ['Note', 'Notiz'],
  displayCollectionName: ['Notes', 'Notizen'],
  columns: [
    primaryId('AnnotationId', ['Note', 'Notiz']),
    text('FileName', ['File Name', 'Dateiname'], 255, { isPrimaryName: true }),
    text('MimeType', ['Mime Type', 'Typ'], 256),
    memo('DocumentBody', ['Document', 'Dokument']),
    bool('annotation', 'IsDocument', ['Is Document', 'Ist Dokument']),
    ...auditColumns(),
  ],
});

const inFolder = (deletes: FileWishes['deletes'] = 'delete', path = folder): FileWishes => ({
  to: { kind: 'folder', path },
  share: 1,
  deletes,
});

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

function upload(key: string, bytes: Buffer, column = FILE, name = 'vertrag ä.pdf', keepsId = false): void {
  const body = { bytes, name, mimeType: 'application/pdf' };
  uploadBody(bench.emulator.store, ['account', key, column], body, keepsId);
}

function account(bytes?: Buffer, column = FILE): string {
  const key = bench.emulator.store.insert('account', { name: 'Contoso' });
  if (bytes !== undefined) upload(key, bytes, column);
  return key;
}

/** A pass of a process of its own, over rows and then over bodies. */
async function pass(wishes = inFolder(), options = ALL): Promise<FilePass | undefined> {
  await using session = await bench.session(['account'], options);
  await session.sync();
  return await session.files(wishes).once(never);
}

interface Entry {
  readonly key: string;
  readonly column: string;
  readonly sha256: string;
  readonly bytes: string;
  readonly location: string;
  readonly file_name: string | null;
  readonly mime_type: string | null;
  readonly deleted: boolean;
}

async function entries(): Promise<Entry[]> {
  return bench.database.query<Entry>(
    `SELECT key, "column", sha256, bytes, location, file_name, mime_type, deleted_at IS NOT NULL AS deleted
       FROM dataverse._file WHERE "table" = 'account' ORDER BY fetched_at, key`,
  );
}

/** Names of the bodies in a folder. */
async function bodies(path = folder): Promise<string[]> {
  const found = await readdir(path, { recursive: true, withFileTypes: true });
  return found
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(path.length + 1));
}

const bodyRequests = (): number => bench.emulator.requests.count({ kind: 'body' });

describe('a pass over files', () => {
  it('a pass stores each body under its hash, and tells where it lies, with name and type', async () => {
    const bytes = randomBytes(9_000_000);
    const key = account(bytes);
    account();
    expect(await pass()).toEqual({ fetched: 1, stored: 1, waiting: 0, failed: 0, failure: null });
    const hash = sha256(bytes);
    expect(await entries()).toEqual([
      {
        key,
        column: FILE,
        sha256: hash,
        bytes: '9000000',
        location: join(folder, bodyName(hash)),
        file_name: 'vertrag ä.pdf',
        mime_type: 'application/pdf',
        deleted: false,
      },
    ]);
    expect((await readFile(join(folder, bodyName(hash)))).equals(bytes)).toBe(true);
    expect(await bodies()).toEqual([bodyName(hash)]);
  });

  it('a pass over unchanged rows asks for no body, and one over equal bodies stores one', async () => {
    const bytes = randomBytes(10_000);
    account(bytes);
    account(bytes);
    await pass();
    expect(await bodies()).toHaveLength(1);
    expect(await entries()).toHaveLength(2);
    const before = bodyRequests();
    expect(await pass()).toMatchObject({ fetched: 0, stored: 2 });
    expect(bodyRequests()).toBe(before);
  });

  it('images come too, and a new image is noticed by its id or by its time stamp', async () => {
    const [first, second, third] = [randomBytes(3_000), randomBytes(3_000), randomBytes(3_000)];
    const key = account(first, 'entityimage');
    await pass();
    upload(key, second, 'entityimage', 'logo.png', true);
    await pass();
    expect((await entries()).map((entry) => entry.sha256)).toEqual([sha256(second)]);
    upload(key, third, 'entityimage', 'logo.png', false);
    await pass();
    expect((await entries()).map((entry) => entry.sha256)).toEqual([sha256(third)]);
    expect(await bodies()).toEqual([bodyName(sha256(third))]);
  });

  it('only named columns are fetched', async () => {
    const key = account(randomBytes(100));
    upload(key, randomBytes(100), 'entityimage');
    await pass(inFolder(), { columns: { files: ['new_*'] } });
    expect((await entries()).map(({ column }) => column)).toEqual([FILE]);
  });

  it('a body that the environment refuses is recorded with its failure, and others go on', async () => {
    const lost = account(randomBytes(100));
    const hidden = account(randomBytes(100));
    account(randomBytes(100));
    const { store, settings } = bench.emulator;
    store.bodies.lose(JSON.parse(store.truth('account').get(lost)?.get(FILE) ?? '') as string);
    await using session = await bench.session(['account'], ALL);
    await session.sync();
    settings.hiddenRows.set('account', (id) => id === hidden);
    expect(await session.files(inFolder()).once(never)).toEqual({
      fetched: 1,
      stored: 1,
      waiting: 0,
      failed: 2,
      failure: null,
    });
    const failed = await bench.database.query(
      'SELECT key, error_code, attempts, next_attempt_at > now() AS later FROM mirrorverse.files WHERE sha256 IS NULL ORDER BY error_code',
    );
    expect(failed).toEqual([
      { key: lost, error_code: 'file-missing', attempts: 1, later: true },
      { key: hidden, error_code: 'privilege-missing', attempts: 1, later: true },
    ]);
    const before = bodyRequests();
    await session.files(inFolder()).once(never);
    expect(bodyRequests()).toBe(before);
  });

  it('a pass whose folder cannot be written fails, and a later one fetches all', async () => {
    account(randomBytes(100));
    const file = join(folder, 'file');
    await writeFile(file, '');
    const first = await pass(inFolder('delete', join(file, 'below')));
    expect(first).toMatchObject({ fetched: 0, waiting: 1 });
    expect(first?.failure?.code).toBe('files-place-unusable');
    expect(await pass()).toMatchObject({ fetched: 1, failure: null });
  });

  it('a table that is read by snapshots has its files too', async () => {
    const key = account(randomBytes(100));
    const snapshot: SyncOptions = { ...ALL, mode: 'snapshot' };
    expect(await pass(inFolder(), snapshot)).toMatchObject({ fetched: 1 });
    bench.emulator.store.remove('account', key);
    await pass(inFolder(), snapshot);
    expect(await bodies()).toEqual([]);
  });

  it('notes have their bodies decoded, and rows without a document have none', async () => {
    const { store } = bench.emulator;
    store.addTable(notes);
    const bytes = randomBytes(5_000);
    const values = { filename: 'a.txt', mimetype: 'text/plain', isdocument: true };
    const key = store.insert('annotation', { ...values, documentbody: bytes.toString('base64') });
    store.insert('annotation', { isdocument: false });
    await using session = await bench.session(['annotation'], ALL);
    await session.sync();
    expect(await session.files(inFolder()).once(never)).toMatchObject({ fetched: 1, failed: 0 });
    const found = await bench.database.query('SELECT key, file_name, mime_type, sha256 FROM dataverse._file');
    expect(found).toEqual([{ key, file_name: 'a.txt', mime_type: 'text/plain', sha256: sha256(bytes) }]);
  });

  it('a row that goes while its body comes leaves neither entry nor body', async () => {
    const key = account(randomBytes(100));
    await using session = await bench.session(['account'], ALL);
    await session.sync();
    // Another process stores the deletion, and looks, while this one still fetches the body.
    await using other = await bench.session(['account'], ALL);
    bench.emulator.settings.onBody = async () => {
      bench.emulator.settings.onBody = null;
      bench.emulator.store.remove('account', key);
      await other.sync();
      await bench.database.query('DELETE FROM mirrorverse.files');
    };
    await session.files(inFolder()).once(never);
    expect(await entries()).toEqual([]);
    await session.files(inFolder()).once(never);
    expect(await bodies()).toEqual([]);
  });
});

describe('deletions of files', () => {
  it('a body goes with its last row, and with the next upload', async () => {
    const [shared, own] = [randomBytes(100), randomBytes(100)];
    const [first, second, third] = [account(shared), account(shared), account(own)];
    await pass();
    bench.emulator.store.remove('account', first);
    await pass();
    expect((await bodies()).toSorted()).toEqual([bodyName(sha256(shared)), bodyName(sha256(own))].toSorted());
    bench.emulator.store.remove('account', second);
    const next = randomBytes(100);
    upload(third, next);
    await pass();
    expect(await bodies()).toEqual([bodyName(sha256(next))]);
    expect((await entries()).map(({ key }) => key)).toEqual([third]);
    expect(await bench.database.query('SELECT FROM mirrorverse.unused_bodies')).toEqual([]);
  });

  it('bodies of rows that are gone and former bodies stay with keep, with the time', async () => {
    const [old, next, other] = [randomBytes(100), randomBytes(100), randomBytes(100)];
    const key = account(old);
    const gone = account(other);
    await pass(inFolder('keep'));
    upload(key, next);
    bench.emulator.store.remove('account', gone);
    await pass(inFolder('keep'));
    expect((await entries()).map((entry) => `${entry.sha256} ${entry.deleted}`).toSorted()).toEqual(
      [`${sha256(old)} true`, `${sha256(other)} true`, `${sha256(next)} false`].toSorted(),
    );
    expect(await bodies()).toHaveLength(3);
    bench.emulator.store.restore('account', gone);
    const before = bodyRequests();
    await pass(inFolder('keep'));
    expect(bodyRequests()).toBe(before);
    expect((await entries()).filter(({ deleted }) => !deleted)).toHaveLength(2);
  });

  it('bodies of rows that are marked deleted stay with the rows', async () => {
    const key = account(randomBytes(100));
    const soft = { ...ALL, softDeletes: true };
    await pass(inFolder(), soft);
    bench.emulator.store.remove('account', key);
    await pass(inFolder(), soft);
    expect(await entries()).toMatchObject([{ key, deleted: false }]);
    expect(await bodies()).toHaveLength(1);
  });

  it('a mirror table that was emptied by hand loses no body before its rows are there again', async () => {
    account(randomBytes(100));
    await pass();
    await bench.database.query('TRUNCATE dataverse.account');
    {
      await using session = await bench.session(['account'], ALL);
      await session.files(inFolder()).once(never);
    }
    expect(await bodies()).toHaveLength(1);
    const before = bodyRequests();
    await pass();
    expect(await entries()).toHaveLength(1);
    expect(bodyRequests()).toBe(before);
  });
});

describe('the place of files', () => {
  it('a bucket holds the same as a folder', async () => {
    await using bucket = await BucketServer.open();
    const bytes = randomBytes(5_000_000);
    const key = account(bytes);
    const wishes: FileWishes = { to: bucket.place('crm'), share: 1, deletes: 'delete' };
    expect(await pass(wishes)).toMatchObject({ fetched: 1 });
    const name = `crm/${bodyName(sha256(bytes))}`;
    expect(bucket.objects.get(name)?.equals(bytes)).toBe(true);
    expect(await entries()).toMatchObject([{ location: `s3://mirror/${name}` }]);
    bench.emulator.store.remove('account', key);
    await pass(wishes);
    expect([...bucket.objects.keys()]).toEqual([]);
  });

  it('bodies that somebody copied to a new place are found there, and the others are fetched again', async () => {
    const [copied, left] = [randomBytes(100), randomBytes(100)];
    account(copied);
    account(left);
    await pass(inFolder('delete', join(folder, 'old')));
    const next = join(folder, 'new');
    await rename(join(folder, 'old'), next);
    await rm(join(next, bodyName(sha256(left))));
    const before = bodyRequests();
    await pass(inFolder('delete', next));
    expect(bodyRequests()).toBe(before + 1);
    expect((await entries()).map(({ location }) => location).toSorted()).toEqual(
      [copied, left].map((bytes) => join(next, bodyName(sha256(bytes)))).toSorted(),
    );
    expect(await bodies(next)).toHaveLength(2);
  });
});

describe('processes that fetch files', () => {
  it('one of two processes fetches, and the other leaves the bodies to it', async () => {
    for (let at = 0; at < 5; at++) account(randomBytes(100));
    await using first = await bench.session(['account'], { ...ALL, holder: 'one' });
    await first.sync();
    await using second = await bench.session(['account'], { ...ALL, holder: 'two' });
    const passes = await Promise.all([
      first.files(inFolder()).once(never),
      second.files(inFolder()).once(never),
    ]);
    expect(passes.flatMap((each) => each?.fetched ?? [])).toEqual([5]);
    expect(bodyRequests()).toBe(5);
    expect(await second.files(inFolder()).once(never)).toMatchObject({ fetched: 0, stored: 5 });
  });

  it('a daemon fetches what comes, and removes what goes', async () => {
    const key = account(randomBytes(100));
    await using session = await bench.session(['account'], ALL);
    await session.sync();
    const stop = new AbortController();
    const running = session.files(inFolder()).run(stop.signal);
    await expect.poll(async () => bodies(), { timeout: 10_000 }).toHaveLength(1);
    bench.emulator.store.remove('account', key);
    account(randomBytes(200));
    await session.sync();
    await expect
      .poll(async () => (await entries()).map(({ bytes }) => bytes), { timeout: 10_000 })
      .toEqual(['200']);
    await expect.poll(async () => bodies(), { timeout: 10_000 }).toHaveLength(1);
    stop.abort();
    await running;
    expect(await bench.database.query('SELECT FROM mirrorverse.sole_workers')).toEqual([]);
  });

  it('a daemon keeps to its share of the requests', async () => {
    for (let at = 0; at < 10; at++) account(randomBytes(100));
    await using session = await bench.session(['account'], ALL);
    await session.sync();
    const stop = new AbortController();
    // A hundredth of 60,000 requests in five minutes is one request in half a second.
    const worker = session.files({ ...inFolder(), share: 0.01 }, { requestsPer5Minutes: () => 60_000 });
    const running = worker.run(stop.signal);
    await expect.poll(bodyRequests, { timeout: 10_000 }).toBeGreaterThanOrEqual(3);
    const at = [...bench.emulator.requests].filter(({ kind }) => kind === 'body').map((entry) => entry.at);
    expect((at[2] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(900);
    stop.abort();
    await running;
  });
});
