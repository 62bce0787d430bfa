import { createCipheriv } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDataverse, type Dataverse } from '../../src/dataverse/dataverse.ts';
import { downloadBody, type BodyFacts, type BodyPlace } from '../../src/dataverse/files/file-download.ts';
import { DataverseEmulator } from '../../src/emulator/dataverse-emulator.ts';
import { uploadBody, type BodyBytes, type UploadedBody } from '../../src/emulator/store/file-bodies.ts';
import { Failure } from '../../src/model/failure.ts';
import { speedUpTime } from '../support/fast-time.ts';
import { never } from '../support/mirror.ts';

const MIB = 1024 * 1024;
const COLUMN = 'new_contract';

// Broken bodies are asked for again after a second and more.
speedUpTime(20, 10_000);

let emulator: DataverseEmulator;
let dataverse: Dataverse;

beforeAll(async () => {
  emulator = new DataverseEmulator({ seed: 4 });
  const url = await emulator.listen();
  dataverse = openDataverse(
    {
      url,
      signIn: { method: 'access-token', token: 'emulator-token' },
      limits: { requestsPer5Minutes: 100_000, concurrency: 8, requestTimeout: 30_000 },
      userAgent: 'test',
    },
    pino({ level: 'silent' }),
  );
});

afterAll(async () => {
  await dataverse.close();
  await emulator.close();
});

beforeEach(() => {
  emulator.faults.clear();
  emulator.settings.fileRanges = 'served';
  emulator.settings.tellsContentRange = false;
  emulator.settings.fullImages = true;
});

/** Bytes that are nowhere the same, so that a piece at a wrong place is noticed. */
function bytesOf(length: number, seed = 'body'): Buffer {
  const cipher = createCipheriv('aes-128-ctr', seed.padEnd(16), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(length));
}

const uploaded = (bytes: BodyBytes, name = 'contract.pdf', mimeType = 'application/pdf'): UploadedBody => ({
  bytes,
  name,
  mimeType,
});

/** A new account with a body in a column. */
function account(body: UploadedBody, column = COLUMN): BodyPlace {
  const key = emulator.store.insert('account', { name: 'Contoso' });
  uploadBody(emulator.store, ['account', key, column], body);
  return place(key, column);
}

function place(key: string, column = COLUMN): BodyPlace {
  const kind = column === COLUMN ? 'file' : 'image';
  const identity = JSON.parse(emulator.store.truth('account').get(key)?.get(column) ?? '""') as string;
  return { table: 'account', entitySet: 'accounts', key, column, kind, identity };
}

const image = (): BodyPlace => account(uploaded(bytesOf(20_000), 'logo.png', 'image/png'), 'entityimage');

/** A new account whose description is a text. */
function ofText(text: string): BodyPlace {
  const key = emulator.store.insert('account', { description: text });
  return { ...place(key), column: 'description', kind: 'text' };
}

interface Fetched extends BodyFacts {
  readonly bytes: Buffer;
  /** Headers `range` of the requests; undefined for a request without one. */
  readonly ranges: readonly (string | undefined)[];
  readonly restarts: number;
}

async function fetched(at: BodyPlace): Promise<Fetched> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  let restarts = 0;
  const before = [...emulator.requests].length;
  const facts = await downloadBody(
    dataverse.client,
    at,
    {
      get bytes() {
        return bytes;
      },
      async write(piece) {
        pieces.push(Buffer.from(piece));
        bytes += piece.length;
      },
      async restart() {
        pieces = [];
        bytes = 0;
        restarts++;
      },
    },
    async (work) => work(),
    never,
  );
  const sent = [...emulator.requests].slice(before).filter(({ kind }) => kind === 'body');
  return {
    ...facts,
    bytes: Buffer.concat(pieces),
    ranges: sent.map(({ headers }) => headers['range']),
    restarts,
  };
}

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'success',
    (error: unknown) => (error instanceof Failure ? error.code : String(error)),
  );

describe('a File column', () => {
  it('a small file comes by one request, with its name and its media type', async () => {
    const body = bytesOf(5_000);
    const { bytes, ranges, fileName, mimeType } = await fetched(account(uploaded(body)));
    expect(bytes.equals(body)).toBe(true);
    expect({ ranges, fileName, mimeType }).toEqual({
      ranges: ['bytes=0-4194303'],
      fileName: 'contract.pdf',
      mimeType: 'application/pdf',
    });
  });

  it.each([false, true])(
    'a file of several ranges comes whole, and is asked for range by range (with Content-Range: %s)',
    async (tells) => {
      emulator.settings.tellsContentRange = tells;
      const body = bytesOf(9 * MIB);
      const { bytes, ranges } = await fetched(account(uploaded(body)));
      expect(bytes.equals(body)).toBe(true);
      expect(ranges).toEqual(['bytes=0-4194303', 'bytes=4194304-8388607', 'bytes=8388608-12582911']);
    },
  );

  it('a file of exactly one range needs no further request', async () => {
    const { bytes, ranges } = await fetched(account(uploaded(bytesOf(4 * MIB))));
    expect({ length: bytes.length, ranges }).toEqual({ length: 4 * MIB, ranges: ['bytes=0-4194303'] });
  });

  it('an empty file has an empty body, although it has no range', async () => {
    const { bytes, ranges } = await fetched(account(uploaded(Buffer.alloc(0))));
    expect({ length: bytes.length, ranges }).toEqual({ length: 0, ranges: ['bytes=0-4194303', undefined] });
  });

  it.each(['refused', 'ignored'] as const)('a file comes whole if ranges are %s', async (fileRanges) => {
    emulator.settings.fileRanges = fileRanges;
    const body = bytesOf(6 * MIB);
    const { bytes, ranges } = await fetched(account(uploaded(body)));
    expect(bytes.equals(body)).toBe(true);
    expect(ranges).toEqual(fileRanges === 'refused' ? ['bytes=0-4194303', undefined] : ['bytes=0-4194303']);
  });

  it('a range that breaks off goes on at the byte where it stopped', async () => {
    const body = bytesOf(6 * MIB);
    const at = account(uploaded(body));
    emulator.faults.add({ match: { kind: 'body' }, after: 1, times: 1, do: { cutAt: MIB } });
    const { bytes, ranges, restarts } = await fetched(at);
    expect(bytes.equals(body)).toBe(true);
    expect(restarts).toBe(0);
    expect(ranges.slice(0, 2)).toEqual(['bytes=0-4194303', 'bytes=4194304-8388607']);
    // Some of the megabyte may be lost with the connection.
    expect(Number(/^bytes=(\d+)-/.exec(ranges[2] ?? '')?.[1])).toBeGreaterThan(4 * MIB);
  });

  it('a body that comes whole and breaks off begins anew', async () => {
    emulator.settings.fileRanges = 'ignored';
    const body = bytesOf(3 * MIB);
    const at = account(uploaded(body));
    emulator.faults.add({ match: { kind: 'body' }, times: 2, do: { cutAt: MIB } });
    const { bytes, restarts } = await fetched(at);
    expect(bytes.equals(body)).toBe(true);
    expect(restarts).toBe(3);
  });

  it('a file is fetched after a 429 and a 503', async () => {
    const body = bytesOf(2_000);
    const at = account(uploaded(body));
    const match = { kind: 'body' } as const;
    emulator.faults.add({ match, times: 1, do: { status: 429, code: '0x80072322', retryAfter: 1 } });
    emulator.faults.add({ match, times: 1, do: { status: 503, html: true } });
    const { bytes, ranges } = await fetched(at);
    expect(bytes.equals(body)).toBe(true);
    expect(ranges).toHaveLength(3);
  });

  it('a file that is replaced between two ranges is not taken', async () => {
    const at = account(uploaded(bytesOf(6 * MIB, 'first')));
    let bodies = 0;
    emulator.settings.onBody = () => {
      if (++bodies === 1)
        uploadBody(emulator.store, ['account', at.key, COLUMN], uploaded(bytesOf(6 * MIB, 'second')));
    };
    expect(await codeOf(fetched(at))).toBe('file-missing');
    emulator.settings.onBody = null;
    expect(await codeOf(fetched(place(at.key)))).toBe('success');
  });

  it('a body that ends before its announced size is not taken', async () => {
    const at = account(uploaded(bytesOf(5_000)));
    const headers = { 'x-ms-file-size': '5001' };
    emulator.faults.add({ match: { kind: 'body' }, do: { headers } });
    expect(await codeOf(fetched(at))).toBe('file-not-whole');
  });

  it('a range from another place than the one that was asked for is not taken', async () => {
    const at = account(uploaded(bytesOf(5_000)));
    emulator.faults.add({
      match: { kind: 'body' },
      do: { headers: { 'Content-Range': 'bytes 7-5006/5007' } },
    });
    expect(await codeOf(fetched(at))).toBe('file-not-whole');
  });

  it('a row without a body, a lost body and a row that is gone have no file', async () => {
    const none = emulator.store.insert('account', { name: 'none' });
    const lost = account(uploaded(bytesOf(10)));
    emulator.store.bodies.lose(lost.identity);
    const gone = account(uploaded(bytesOf(10)));
    emulator.store.remove('account', gone.key);
    const codes = await Promise.all([place(none), lost, gone].map(async (each) => codeOf(fetched(each))));
    expect(codes).toEqual(['file-missing', 'file-missing', 'file-missing']);
  });

  it('a file of a row that may not be read is refused', async () => {
    const at = account(uploaded(bytesOf(10)));
    emulator.settings.hiddenRows.set('account', (id) => id === at.key);
    expect(await codeOf(fetched(at))).toBe('privilege-missing');
    emulator.settings.hiddenRows.clear();
  });

  it('an error of the target ends the download at once, and is not taken for a broken connection', async () => {
    const at = account(uploaded(bytesOf(5_000)));
    const full = Object.assign(new Error('no room'), { code: 'ECONNRESET' });
    const target = {
      bytes: 0,
      write: async () => Promise.reject(full),
      restart: async () => Promise.resolve(),
    };
    const before = emulator.requests.count({ kind: 'body' });
    const work = downloadBody(dataverse.client, at, target, async (each) => each(), never);
    await expect(work).rejects.toBe(full);
    expect(emulator.requests.count({ kind: 'body' }) - before).toBe(1);
  });
});

describe('an Image column', () => {
  it('an image comes in full size', async () => {
    const { bytes, mimeType } = await fetched(image());
    expect({ length: bytes.length, mimeType }).toEqual({ length: 20_000, mimeType: 'image/png' });
  });

  it('a column that keeps no full images gives its thumbnail', async () => {
    emulator.settings.fullImages = false;
    expect((await fetched(image())).bytes).toHaveLength(1_024);
  });

  it('a row without an image has no body', async () => {
    const key = emulator.store.insert('account', { name: 'none' });
    expect(await codeOf(fetched(place(key, 'entityimage')))).toBe('file-missing');
  });
});

describe('a text column with a body', () => {
  it.each([0, 1, 2, 3, 100_000, 100_001])(
    'a body of %s bytes in base64 is decoded while it comes',
    async (length) => {
      const body = bytesOf(length);
      const work = fetched(ofText(body.toString('base64')));
      expect((await work).bytes.equals(body)).toBe(true);
    },
  );

  it('a text that is not base64, or ends in the middle, is not taken', async () => {
    const codes = await Promise.all(
      ['no base64, but words', 'QUJD RA'].map(async (text) => codeOf(fetched(ofText(text)))),
    );
    expect(codes).toEqual(['file-not-whole', 'file-not-whole']);
  });
});
