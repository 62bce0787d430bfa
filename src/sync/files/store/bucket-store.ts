import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeAgents, createAgents } from '../../../dataverse/network/proxy-agent.ts';
import type { ProxySettings } from '../../../dataverse/network/proxy-settings.ts';
import { Failure } from '../../../model/failure.ts';
import { bodyLocation, bodyName, type BucketPlace } from '../../../model/files/file-place.ts';
import type { BodyStore } from './body-store.ts';
import { askBucket, type BucketAnswer, type BucketRequest, type FilePart } from './bucket-requests.ts';
import type { SpooledBody } from './spool.ts';
import { refused, unusable } from './unusable-place.ts';

/** Bytes of a part. A body of more than one goes by parts; S3 takes 10,000 of them, so 640 GB. */
const PART = 64 * 1024 * 1024;

/**
 * Keeps bodies in a bucket of S3, or of a server that speaks its language. A body first comes into a file of the
 * system's folder for temporary files, because its name is its hash, which is known only at its end.
 */
export function createBucketStore(
  place: BucketPlace,
  proxy: ProxySettings | undefined,
  partBytes = PART,
): BodyStore {
  const agents = createAgents(proxy);
  const ask = async (request: BucketRequest, signal: AbortSignal): Promise<BucketAnswer> =>
    askBucket(place, agents, request, signal);

  async function putParts({ path, sha256, bytes }: SpooledBody, signal: AbortSignal): Promise<void> {
    const name = bodyName(sha256);
    const begun = await ask({ method: 'POST', name, query: { uploads: '' } }, signal);
    const uploadId = /<UploadId>([^<]+)<\/UploadId>/.exec(begun.text)?.[1];
    if (uploadId === undefined) throw refused('An upload by parts', begun.status, 'NoUploadId');
    const query = { uploadId: unescaped(uploadId) };
    try {
      const parts: string[] = [];
      for (let from = 0; from < bytes; from += partBytes) {
        const partNumber = String(parts.length + 1);
        const body = await partOf(path, from, Math.min(partBytes, bytes - from));
        const { headers } = await ask({ method: 'PUT', name, query: { partNumber, ...query }, body }, signal);
        parts.push(`<Part><PartNumber>${partNumber}</PartNumber><ETag>${headers.etag ?? ''}</ETag></Part>`);
      }
      const text = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
      const body = { text, sha256: createHash('sha256').update(text).digest('hex') };
      await ask({ method: 'POST', name, query, body }, signal);
    } catch (error) {
      // Parts of an upload that is not completed would cost money for ever.
      await ask({ method: 'DELETE', name, query, expects: [404] }, new AbortController().signal).catch(
        () => undefined,
      );
      throw error;
    }
  }

  return {
    spoolFolder: join(tmpdir(), 'mirrorverse-files'),
    location: (sha256) => bodyLocation(place, sha256),
    async has(sha256, bytes, signal) {
      // Without the right to list the bucket, a body that is not there is answered with 403.
      const { status, headers } = await ask(
        { method: 'HEAD', name: bodyName(sha256), expects: [404, 403] },
        signal,
      );
      return status === 200 && Number(headers['content-length']) === bytes;
    },
    async put(body, signal) {
      if (body.bytes > partBytes) return putParts(body, signal);
      const { path, sha256, bytes: length } = body;
      const part: FilePart = { path, from: 0, length, sha256 };
      await ask({ method: 'PUT', name: bodyName(sha256), body: part }, signal);
    },
    async remove(sha256, signal) {
      await ask({ method: 'DELETE', name: bodyName(sha256), expects: [404] }, signal);
    },
    async probe(signal) {
      const name = `.probe-${randomUUID()}`;
      const text = 'mirrorverse';
      const sha256 = createHash('sha256').update(text).digest('hex');
      try {
        await ask({ method: 'PUT', name, body: { text, sha256 } }, signal);
        await ask({ method: 'HEAD', name }, signal);
        await ask({ method: 'DELETE', name }, signal);
        return undefined;
      } catch (error) {
        signal.throwIfAborted();
        return error instanceof Failure
          ? error
          : unusable(`The bucket ${place.bucket} cannot be used`, error);
      }
    },
    close: () => closeAgents(agents),
  };
}

/** A part of a file, read once for its hash. It is sent from the file, so that no part is in memory. */
async function partOf(path: string, from: number, length: number): Promise<FilePart> {
  const hash = createHash('sha256');
  try {
    for await (const piece of createReadStream(path, { start: from, end: from + length - 1 })) {
      hash.update(piece as Buffer);
    }
  } catch (error) {
    throw unusable(`The body in ${path} cannot be read`, error);
  }
  return { path, from, length, sha256: hash.digest('hex') };
}

/** An upload id is a text of XML. */
function unescaped(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
