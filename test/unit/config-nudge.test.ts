import { expect, test } from 'vitest';
import type { Needs } from '../../src/config/load.ts';
import { keysOf, load, problemsOf, written } from './config-directory.ts';

const RUN = { tables: true };
const TABLES = { MIRRORVERSE_TABLES: 'account' };
const SECRET = { MIRRORVERSE_NUDGE_SECRET: 's3cret' };

const nudge = (text: string, variables: Record<string, string> = {}, needs: Needs = RUN): unknown =>
  load(text, { ...TABLES, ...variables }, needs).nudge;
const wrong = (text: string, variables: Record<string, string> = {}): string[] =>
  keysOf(problemsOf(text, { ...TABLES, ...variables }, RUN));

test('a port for nudges without a secret is a problem that names the variable', () => {
  expect(wrong('nudge: { port: 8081 }')).toEqual(['MIRRORVERSE_NUDGE_SECRET']);
  expect(wrong('', { MIRRORVERSE_NUDGE_PORT: '8081' })).toEqual(['MIRRORVERSE_NUDGE_SECRET']);
  expect(nudge('nudge: { url: https://mirror.example.com/n }')).toMatchObject({ port: undefined });
});

test('a queue for nudges without its connection string is a problem that names the variable', () => {
  expect(wrong('nudge: { queue: nudges }')).toEqual(['MIRRORVERSE_NUDGE_QUEUE_CONNECTION']);
  const variables = { MIRRORVERSE_NUDGE_QUEUE_CONNECTION: 'Endpoint=sb://contoso/' };
  expect(nudge('nudge: { queue: nudges }', variables)).toMatchObject({
    queue: { name: 'nudges', connection: 'Endpoint=sb://contoso/' },
  });
});

test('a command that takes no nudges needs no secret for them', () => {
  expect(nudge('nudge: { port: 8081 }', {}, { tables: false })).toMatchObject({ port: 8081 });
});

test('the secret for nudges may be in a file', () => {
  const file = written('s3cret\n');
  expect(nudge('nudge: { port: 8081 }', { MIRRORVERSE_NUDGE_SECRET_FILE: file })).toEqual({
    host: '127.0.0.1',
    port: 8081,
    url: undefined,
    name: undefined,
    secret: 's3cret',
    queue: undefined,
  });
  expect(nudge('nudge: { name: second }')).toMatchObject({ name: 'second' });
});

test('the variables win over the keys for nudges', () => {
  const variables = { ...SECRET, MIRRORVERSE_NUDGE_PORT: '1', MIRRORVERSE_NUDGE_HOST: '0.0.0.0' };
  const url = { MIRRORVERSE_NUDGE_URL: 'https://mirror.example.com/n' };
  expect(nudge('nudge: { port: 2, host: localhost }', { ...variables, ...url })).toMatchObject({
    port: 1,
    host: '0.0.0.0',
    url: 'https://mirror.example.com/n',
  });
});

test('the address for nudges is one that the environment can post to', () => {
  for (const url of [
    'mirror',
    'http://mirror.example.com',
    'https://u:p@mirror.example.com',
    'https://m/?a=b',
  ]) {
    expect(wrong(`nudge: { url: '${url}' }`)).toEqual(['nudge.url']);
  }
  const url = 'http://127.0.0.1:8081/';
  expect(nudge(`nudge: { url: '${url}' }`)).toMatchObject({ url });
});

test('the port for nudges is another one than that for health checks', () => {
  expect(wrong('nudge: { port: 8080 }\nhealth: { port: 8080 }', SECRET)).toEqual(['nudge.port']);
});
