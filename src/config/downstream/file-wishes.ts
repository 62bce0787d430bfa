import { resolve } from 'node:path';
import { isLoopback } from '../../model/loopback.ts';
import type { BucketPlace, FilePlace, FileWishes } from '../../model/files/file-place.ts';
import type { ConfigProblem } from '../config.ts';
import type { Variables } from '../file/file-settings.ts';
import { addMissing } from '../missing.ts';
import type { Settings } from '../settings.ts';

type TableSetting = Exclude<NonNullable<Settings['tables']>[number], string>;

/** The columns of a table whose bodies are fetched; nothing if none are. */
export function filesOf({ files }: TableSetting): { readonly files?: readonly string[] } {
  if (files === undefined || files === false) return {};
  return { files: files === true ? ['*'] : files };
}

/**
 * Where bodies go, and how many requests they may take.
 *
 * @param needed whether the command fetches bodies, or tries whether it could.
 * @returns undefined if no table wants bodies, or if the credentials of the bucket are missing and not needed.
 */
export function filesFrom(
  settings: Settings,
  variables: Variables,
  needed: boolean,
  problems: ConfigProblem[],
): FileWishes | undefined {
  const wanting = (settings.tables ?? []).findIndex(
    (item) => typeof item !== 'string' && filesOf(item).files !== undefined,
  );
  const { to, share: part = '5%', deletes = 'delete' } = settings.files ?? {};
  const share = Number.parseFloat(part) / 100;
  if (share <= 0 || share > 1) {
    problems.push({ key: 'files.share', message: 'must be above 0% and at most 100%' });
  }
  const place = to === undefined ? undefined : placeFrom(to, variables, needed && wanting >= 0, problems);
  if (wanting < 0) return undefined;
  if (to === undefined) {
    addMissing(
      problems,
      'files.to',
      `name a folder or a bucket (s3://name/prefix); tables.${wanting}.files needs it`,
    );
  }
  return place && { to: place, share, deletes };
}

/** AWS, "Bucket naming rules". Other servers keep to them too. */
const BUCKET = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/;

function placeFrom(
  to: string,
  variables: Variables,
  needed: boolean,
  problems: ConfigProblem[],
): FilePlace | undefined {
  if (!/^\w+:\/\//.test(to)) return { kind: 'folder', path: resolve(to) };
  const [, bucket, path = ''] = BUCKET.exec(to) ?? [];
  const parts = path.split('/').filter((part) => part !== '');
  if (
    bucket === undefined ||
    parts.some((part) => part === '.' || part === '..' || /[\p{Cc}?#]/u.test(part))
  ) {
    problems.push({ key: 'files.to', message: 'must be a folder, or a bucket like s3://name/prefix' });
    return undefined;
  }
  // A command that stores no body does without credentials.
  const found: ConfigProblem[] = [];
  const place = bucketFrom(bucket, parts.join('/'), variables, found);
  if (needed) problems.push(...found);
  return found.length === 0 ? place : undefined;
}

function bucketFrom(
  bucket: string,
  prefix: string,
  variables: Variables,
  problems: ConfigProblem[],
): BucketPlace {
  const needed = (name: string): string => {
    const value = variables[name];
    if (value === undefined)
      problems.push({ key: name, message: 'is missing; the bucket of files.to needs it' });
    return value ?? '';
  };
  const region = variables['AWS_REGION'] ?? variables['AWS_DEFAULT_REGION'];
  const endpoint = endpointFrom(variables, problems);
  if (region === undefined && endpoint === undefined) {
    problems.push({ key: 'AWS_REGION', message: 'is missing; the bucket of files.to needs it' });
  }
  const sessionToken = variables['AWS_SESSION_TOKEN'];
  return {
    kind: 'bucket',
    bucket,
    prefix,
    // Other servers sign with this region if they know none.
    region: region ?? 'us-east-1',
    ...(endpoint === undefined ? {} : { endpoint }),
    credentials: {
      accessKeyId: needed('AWS_ACCESS_KEY_ID'),
      secretAccessKey: needed('AWS_SECRET_ACCESS_KEY'),
      ...(sessionToken === undefined ? {} : { sessionToken }),
    },
  };
}

/** The address of a server other than that of AWS, by the variables of the AWS SDKs. */
function endpointFrom(variables: Variables, problems: ConfigProblem[]): string | undefined {
  const key = variables['AWS_ENDPOINT_URL_S3'] === undefined ? 'AWS_ENDPOINT_URL' : 'AWS_ENDPOINT_URL_S3';
  const text = variables[key];
  if (text === undefined) return undefined;
  if (!URL.canParse(text)) {
    problems.push({ key, message: 'must be an address like https://storage.example.com' });
    return undefined;
  }
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname))) {
    problems.push({ key, message: 'must begin with https: (http: is for loopback addresses only)' });
  } else if (username !== '' || password !== '' || search !== '' || hash !== '') {
    problems.push({ key, message: 'must be an address alone, without user, password, query and fragment' });
  }
  return text;
}
