import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Failure } from '../../src/model/failure.ts';
import { bodyName } from '../../src/model/files/file-place.ts';
import { createBucketStore } from '../../src/sync/files/store/bucket-store.ts';
import type { BodyStore } from '../../src/sync/files/store/body-store.ts';
import { createFolderStore } from '../../src/sync/files/store/folder-store.ts';
import { clearSpool, Spool } from '../../src/sync/files/store/spool.ts';
import { BucketServer } from '../support/bucket-server.ts';
import { speedUpTime } from '../support/fast-time.ts';
import { never } from '../support/mirror.ts';

// A bucket that is busy is asked again after half a second and more.
speedUpTime(20, 10_000);

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

let folder: string;
let bucket: BucketServer;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mirrorverse-bodies-'));
  bucket = await BucketServer.open();
});

afterEach(async () => {
  await bucket[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Puts bytes into a store, as the body of a file comes. */
async function put(store: BodyStore, bytes: Buffer, pieces = 3): Promise<string> {
  await using spool = await Spool.open(store.spoolFolder);
  const step = Math.max(1, Math.ceil(bytes.length / pieces));
  for (let at = 0; at < bytes.length; at += step) await spool.write(bytes.subarray(at, at + step));
  const body = await spool.finish();
  expect(body).toMatchObject({ sha256: sha256(bytes), bytes: bytes.length });
  await store.put(body, never);
  return body.sha256;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'success',
    (error: unknown) => (error instanceof Failure ? `${error.code}: ${error.message}` : String(error)),
  );
}

const parts = async (): Promise<string[]> =>
  (await readdir(join(folder, '.incoming')).catch(() => [])).filter((name) => name.endsWith('.part'));

describe('a folder for bodies', () => {
  it('a folder has a body under its hash, and nothing else', async () => {
    const store = createFolderStore({ kind: 'folder', path: folder });
    const bytes = randomBytes(100_000);
    const hash = await put(store, bytes);
    expect(store.location(hash)).toBe(join(folder, hash.slice(0, 2), hash.slice(2)));
    expect((await readFile(store.location(hash))).equals(bytes)).toBe(true);
    expect(await store.has(hash, bytes.length, never)).toBe(true);
    expect(await store.has(hash, bytes.length + 1, never)).toBe(false);
    expect(await parts()).toEqual([]);
    await store.remove(hash, never);
    await store.remove(hash, never);
    expect(await store.has(hash, bytes.length, never)).toBe(false);
  });

  it('a body that begins anew has the hash of its last beginning', async () => {
    await using spool = await Spool.open(folder);
    await spool.write(Buffer.from('the first try, which broke off'));
    await spool.restart();
    await spool.write(Buffer.from('second'));
    const body = await spool.finish();
    expect(body).toMatchObject({ sha256: sha256(Buffer.from('second')), bytes: 6 });
    expect(await readFile(body.path, 'utf8')).toBe('second');
  });

  it('a body that does not end leaves no file', async () => {
    const store = createFolderStore({ kind: 'folder', path: folder });
    {
      await using spool = await Spool.open(store.spoolFolder);
      await spool.write(Buffer.from('half'));
      expect(await parts()).toHaveLength(1);
    }
    expect(await parts()).toEqual([]);
  });

  it('the rest of a killed process is removed after a day, and a body that comes now stays', async () => {
    await writeFile(join(folder, 'old.part'), 'half');
    const yesterday = new Date(Date.now() - 25 * 3_600_000);
    await utimes(join(folder, 'old.part'), yesterday, yesterday);
    await writeFile(join(folder, 'new.part'), 'half');
    await writeFile(join(folder, 'foreign'), 'x');
    await utimes(join(folder, 'foreign'), yesterday, yesterday);
    await clearSpool(folder);
    expect((await readdir(folder)).toSorted()).toEqual(['foreign', 'new.part']);
  });

  it('a folder that can be used passes its probe and is empty afterwards, and a file in its place does not pass', async () => {
    const store = createFolderStore({ kind: 'folder', path: folder });
    expect(await store.probe(never)).toBeUndefined();
    expect(await readdir(folder)).toEqual(['.incoming']);
    const file = join(folder, 'file');
    await writeFile(file, 'x');
    const failure = await createFolderStore({ kind: 'folder', path: file }).probe(never);
    expect(failure?.message).toBe(`The folder ${file} cannot be used (ENOTDIR).`);
    expect(await codeOf(Spool.open(join(file, 'below')))).toMatch(/^files-place-unusable: /);
  });
});

describe('a bucket for bodies', () => {
  it('a bucket has a body under prefix and hash, by one request with its hash and its length', async () => {
    const store = createBucketStore(bucket.place('crm/files & more'), undefined);
    const bytes = randomBytes(10_000);
    const hash = await put(store, bytes);
    const name = `crm/files & more/${bodyName(hash)}`;
    expect(store.location(hash)).toBe(`s3://mirror/${name}`);
    expect(bucket.objects.get(name)?.equals(bytes)).toBe(true);
    expect(await store.has(hash, 10_000, never)).toBe(true);
    expect(await store.has(sha256(Buffer.from('other')), 5, never)).toBe(false);
    await store.remove(hash, never);
    expect([...bucket.objects]).toEqual([]);
    expect(bucket.requests.map((each) => each.split(' ')[0])).toEqual(['PUT', 'HEAD', 'HEAD', 'DELETE']);
  });

  it('an empty body is stored in a bucket too', async () => {
    const store = createBucketStore(bucket.place(), undefined);
    const hash = await put(store, Buffer.alloc(0));
    expect(bucket.objects.get(bodyName(hash))).toHaveLength(0);
    expect(await store.has(hash, 0, never)).toBe(true);
  });

  it('a large body goes by parts, and is one object', async () => {
    const store = createBucketStore(bucket.place(), undefined, 10_000);
    const bytes = randomBytes(25_001);
    const hash = await put(store, bytes);
    expect(bucket.objects.get(bodyName(hash))?.equals(bytes)).toBe(true);
    expect(bucket.uploads.size).toBe(0);
    expect(bucket.requests.map((each) => each.split(' ')[0])).toEqual(['POST', 'PUT', 'PUT', 'PUT', 'POST']);
  });

  it('an upload by parts that fails is given up, so that no parts stay', async () => {
    const store = createBucketStore(bucket.place(), undefined, 10_000);
    bucket.fault = ({ method }) => (method === 'PUT' ? 507 : undefined);
    expect(await codeOf(put(store, randomBytes(25_001)))).toBe(
      'files-place-unusable: PUT in the bucket mirror was refused with 507 InternalError.',
    );
    expect(bucket.uploads.size).toBe(0);
    expect(bucket.objects.size).toBe(0);
  });

  it.each([503, 'reset'] as const)('a bucket that answers %s twice is asked a third time', async (fault) => {
    let asked = 0;
    bucket.fault = () => (++asked < 3 ? fault : undefined);
    const bytes = randomBytes(1_000);
    const hash = await put(createBucketStore(bucket.place(), undefined), bytes);
    expect(bucket.objects.get(bodyName(hash))?.equals(bytes)).toBe(true);
    expect(bucket.requests).toHaveLength(3);
  });

  it('a bucket that does not know the key is not asked again, and no secret is in the failure', async () => {
    const place = bucket.place();
    const wrong = { ...place.credentials, secretAccessKey: 'another-secret' };
    const store = createBucketStore({ ...place, credentials: wrong }, undefined);
    const failure = await store.probe(never);
    expect(failure?.message).toBe('PUT in the bucket mirror was refused with 403 SignatureDoesNotMatch.');
    const { message, details, stack, cause } = failure as Failure;
    expect(JSON.stringify([message, details, stack, cause])).not.toContain('secret');
    expect(bucket.requests).toHaveLength(1);
    expect(await createBucketStore(place, undefined).probe(never)).toBeUndefined();
    expect(bucket.objects.size).toBe(0);
  });
});
