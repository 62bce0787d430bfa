import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BucketPlace } from '../../src/model/files/file-place.ts';

const ACCESS_KEY = 'AKIATESTKEY';
const SECRET = 'test/secret+of/a+bucket';
const REGION = 'eu-central-1';

/** What goes wrong with one request. */
export type BucketFault = (request: {
  readonly method: string;
  readonly path: string;
}) => number | 'reset' | undefined;

/** A server that speaks as much of S3 as bodies need. It checks each signature and each hash of a body by itself. */
export class BucketServer implements AsyncDisposable {
  /** By name, without the bucket. */
  readonly objects = new Map<string, Buffer>();
  /** Method and name of each request, in order, with its query. */
  readonly requests: string[] = [];
  /** Uploads by parts that were begun and neither completed nor aborted. */
  readonly uploads = new Map<string, Map<number, Buffer>>();
  fault: BucketFault = () => undefined;
  private readonly server: Server;
  private begun = 0;

  private constructor() {
    this.server = createServer((message, response) => {
      void this.serve(message, response);
    });
  }

  static async open(): Promise<BucketServer> {
    const bucket = new BucketServer();
    await new Promise<void>((resolve) => {
      bucket.server.listen(0, '127.0.0.1', resolve);
    });
    return bucket;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  place(prefix = ''): BucketPlace {
    const credentials = { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET };
    return { kind: 'bucket', bucket: 'mirror', prefix, region: REGION, endpoint: this.endpoint, credentials };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
  }

  private async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    try {
      for await (const piece of message as AsyncIterable<Buffer>) pieces.push(piece);
    } catch {
      return;
    }
    const body = Buffer.concat(pieces);
    const url = new URL(message.url ?? '/', this.endpoint);
    const { method = 'GET' } = message;
    const name = decodeURIComponent(url.pathname.replace('/mirror/', ''));
    this.requests.push(`${method} ${name}${url.search}`);
    const answer = (status: number, text = '', headers: Record<string, string> = {}): void => {
      response.writeHead(status, headers);
      response.end(method === 'HEAD' ? undefined : text);
    };
    const refuse = (status: number, code: string): void =>
      answer(status, `<Error><Code>${code}</Code></Error>`);
    const fault = this.fault({ method, path: url.pathname });
    if (fault === 'reset') {
      message.socket.resetAndDestroy();
      return;
    }
    if (fault !== undefined) return refuse(fault, 'InternalError');
    if (!isSigned(message, url)) return refuse(403, 'SignatureDoesNotMatch');
    if (createHash('sha256').update(body).digest('hex') !== message.headers['x-amz-content-sha256']) {
      return refuse(400, 'XAmzContentSHA256Mismatch');
    }
    const uploadId = url.searchParams.get('uploadId');
    if (method === 'POST' && url.searchParams.has('uploads')) {
      const id = `upload+${++this.begun}/&`;
      this.uploads.set(id, new Map());
      return answer(200, `<R><UploadId>${id.replaceAll('&', '&amp;')}</UploadId></R>`);
    }
    if (uploadId !== null) return this.part(method, uploadId, { name, url, body }, answer, refuse);
    const object = this.objects.get(name);
    if (method === 'PUT') {
      this.objects.set(name, body);
      return answer(200);
    }
    if (method === 'DELETE') {
      this.objects.delete(name);
      return answer(204);
    }
    if (object === undefined) return refuse(404, 'NoSuchKey');
    answer(200, '', { 'content-length': String(object.length) });
  }

  private part(
    method: string,
    uploadId: string,
    { name, url, body }: { readonly name: string; readonly url: URL; readonly body: Buffer },
    answer: (status: number, text?: string, headers?: Record<string, string>) => void,
    refuse: (status: number, code: string) => void,
  ): void {
    const upload = this.uploads.get(uploadId);
    if (upload === undefined) return refuse(404, 'NoSuchUpload');
    if (method === 'DELETE') {
      this.uploads.delete(uploadId);
      return answer(204);
    }
    if (method === 'PUT') {
      const number = Number(url.searchParams.get('partNumber'));
      upload.set(number, body);
      return answer(200, '', { etag: etagOf(body) });
    }
    const named = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]*)<\/ETag>/g)];
    const parts = named.map(([, number]) => upload.get(Number(number)) ?? Buffer.alloc(0));
    if (!named.every(([, , etag], at) => etag === etagOf(parts[at] ?? Buffer.alloc(0)))) {
      return refuse(400, 'InvalidPart');
    }
    this.uploads.delete(uploadId);
    this.objects.set(name, Buffer.concat(parts));
    answer(200, '<CompleteMultipartUploadResult/>');
  }
}

function etagOf(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}

/** Checks a signature as a server does: from what came over the wire, and from the list of signed headers. */
function isSigned({ method, headers }: IncomingMessage, url: URL): boolean {
  const [, key, day, region, signed, signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    ) ?? [];
  if (key !== ACCESS_KEY || region !== REGION || day === undefined || signed === undefined) return false;
  const time = String(headers['x-amz-date']);
  const names = signed.split(';');
  // S3 wants these headers to be signed.
  if (!['host', 'x-amz-content-sha256', 'x-amz-date'].every((name) => names.includes(name))) return false;
  const query = [...url.searchParams].map((pair) => pair.map(rfc3986).join('=')).toSorted();
  const lines = [method, url.pathname, query.join('&')];
  for (const name of names) lines.push(`${name}:${String(headers[name])}`);
  lines.push('', signed, String(headers['x-amz-content-sha256']));
  const sha = createHash('sha256').update(lines.join('\n')).digest('hex');
  let secret: Buffer = Buffer.from(`AWS4${SECRET}`);
  for (const step of [day, REGION, 's3', 'aws4_request']) {
    secret = createHmac('sha256', secret).update(step).digest();
  }
  const text = `AWS4-HMAC-SHA256\n${time}\n${day}/${REGION}/s3/aws4_request\n${sha}`;
  const wanted = createHmac('sha256', secret).update(text).digest();
  return timingSafeEqual(wanted, Buffer.from(signature ?? '', 'hex'));
}

/** Encodes all but unreserved characters (RFC 3986). */
function rfc3986(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCodePoint(byte);
      return /[A-Za-z0-9._~-]/.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}
