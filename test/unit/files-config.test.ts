import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { ConfigError } from '../../src/config/config.ts';
import { configChanges } from '../../src/config/reload/config-changes.ts';
import { load } from './config-directory.ts';

const AWS = {
  AWS_ACCESS_KEY_ID: 'AKIA1',
  AWS_SECRET_ACCESS_KEY: 'secret/of+aws',
  AWS_REGION: 'eu-central-1',
};
const TABLES = 'tables: [contact, { name: account, files: true }]';

function problemsOf(text: string, variables: Record<string, string> = {}): string[] {
  try {
    load(text, variables, { tables: true });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ key, message }) => `${key}: ${message}`);
  }
}

it('files of a table go to a folder, with the defaults of share and deletes', () => {
  const { files, tables } = load(`files: { to: ./bodies }\n${TABLES}`);
  expect(files).toEqual({ to: { kind: 'folder', path: resolve('bodies') }, share: 0.05, deletes: 'delete' });
  expect(tables.map(({ columns }) => columns.files)).toEqual([undefined, ['*']]);
});

it('files of a table may be named columns, and a configuration without such a table has no place for files', () => {
  const named = load(
    'files: { to: /b, share: 20%, deletes: keep }\ntables: [{ name: account, files: [entityimage, new_*] }]',
  );
  expect(named.tables[0]?.columns.files).toEqual(['entityimage', 'new_*']);
  expect(named.files).toMatchObject({ share: 0.2, deletes: 'keep' });
  expect(load('files: { to: s3://bucket }\ntables: [{ name: account, files: false }]').files).toBeUndefined();
});

it('files in a bucket have credentials, region and server from the variables of AWS', () => {
  const text = `files: { to: 's3://crm-files/a//b/' }\n${TABLES}`;
  expect(load(text, AWS).files?.to).toEqual({
    kind: 'bucket',
    bucket: 'crm-files',
    prefix: 'a/b',
    region: 'eu-central-1',
    credentials: { accessKeyId: 'AKIA1', secretAccessKey: 'secret/of+aws' },
  });
  const { AWS_REGION: _, ...keys } = AWS;
  const own = { ...keys, AWS_ENDPOINT_URL: 'http://127.0.0.1:9000', AWS_SESSION_TOKEN: 'token' };
  expect(load(text, own).files?.to).toMatchObject({
    region: 'us-east-1',
    endpoint: 'http://127.0.0.1:9000',
    credentials: { sessionToken: 'token' },
  });
});

it('every problem of files is named, and no secret is quoted', () => {
  expect(problemsOf(TABLES)).toEqual([
    'files.to: is missing; name a folder or a bucket (s3://name/prefix); tables.1.files needs it',
  ]);
  expect(problemsOf(`files: { to: 's3://UPPER/x', share: 0% }\n${TABLES}`)).toEqual([
    'files.to: must be a folder, or a bucket like s3://name/prefix',
    'files.share: must be above 0% and at most 100%',
  ]);
  expect(problemsOf(`files: { to: 'https://bucket' }\n${TABLES}`)).toHaveLength(1);
  expect(problemsOf(`files: { to: 's3://bucket/../other' }\n${TABLES}`, AWS)).toHaveLength(1);
  expect(problemsOf(`files: { to: 's3://bucket' }\n${TABLES}`).toSorted()).toEqual([
    'AWS_ACCESS_KEY_ID: is missing; the bucket of files.to needs it',
    'AWS_REGION: is missing; the bucket of files.to needs it',
    'AWS_SECRET_ACCESS_KEY: is missing; the bucket of files.to needs it',
  ]);
  const text = `files: { to: 's3://bucket' }\n${TABLES}`;
  const foreign = problemsOf(text, { ...AWS, AWS_ENDPOINT_URL_S3: 'http://user:canary@storage.example' });
  expect(foreign).toEqual([
    'AWS_ENDPOINT_URL_S3: must begin with https: (http: is for loopback addresses only)',
  ]);
  expect(problemsOf(text, { ...AWS, AWS_SECRET_ACCESS_KEY_FILE: '/run/secret' }).join()).not.toContain(
    'of+aws',
  );
});

it('a change of files is followed without a restart', () => {
  const before = load(`files: { to: ./a }\n${TABLES}`);
  const after = load(`files: { to: ./b }\n${TABLES}`);
  expect(configChanges(before, after)).toEqual({ changed: ['files'], refused: [] });
});
