import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const root = new URL('../../', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, root), 'utf8');

/** Instructions of the Dockerfile, continued lines joined. */
const instructions = read('Dockerfile')
  .replaceAll(/\\\n\s*/g, ' ')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const lastStage = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));
const manifest = z
  .object({ files: z.array(z.string()), bin: z.record(z.string(), z.string()) })
  .parse(JSON.parse(read('package.json')));

test('the image is built in two stages on Node 24 slim', () => {
  const bases = instructions.filter((line) => line.startsWith('FROM '));
  expect(bases).toHaveLength(2);
  for (const base of bases) expect(base).toMatch(/^FROM node:24-slim/);
});

test('the image runs without privileges and holds no dev dependencies', () => {
  expect(lastStage).toContain('USER node');
  expect(instructions.join('\n')).toMatch(/npm prune --omit=dev/);
  expect(lastStage.filter((line) => line.startsWith('COPY . ') || line.includes(' src '))).toEqual([]);
});

test('SIGTERM reaches the process: no shell and no npm stand in between', () => {
  const entry = lastStage.find((line) => line.startsWith('ENTRYPOINT '))?.replace('ENTRYPOINT ', '');
  expect(JSON.parse(entry ?? '')).toEqual(['node', manifest.bin['mirrorverse']]);
});

test('everything the package needs at run time is copied into the image', () => {
  const copied = lastStage.filter((line) => line.startsWith('COPY ')).join('\n');
  for (const needed of ['dist', 'migrations', 'package.json', 'node_modules'])
    expect(copied).toContain(needed);
});

test('the build context contains only what the build copies', () => {
  const allowed = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  const sources = instructions
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from'))
    .flatMap((line) => line.split(/\s+/).slice(1, -1));
  for (const source of sources) expect(allowed).toContain(source.replace(/^\.\//, ''));
});

test('the image has a health check that asks the daemon itself', () => {
  expect(lastStage.find((line) => line.startsWith('HEALTHCHECK '))).toContain('/healthz');
});

const service = z.object({
  image: z.string().optional(),
  network_mode: z.string().optional(),
  profiles: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  healthcheck: z.unknown().optional(),
});
const compose = z
  .object({ services: z.record(z.string(), service) })
  .parse(parse(read('docker-compose.yml')));

test('compose runs PostgreSQL 18, the emulator and the daemon, and with a profile what watches them', () => {
  const names = (profiles: string | undefined): string[] =>
    Object.keys(compose.services)
      .filter((name) => compose.services[name]?.profiles?.join() === profiles)
      .toSorted();
  expect(names(undefined)).toEqual(['emulator', 'mirrorverse', 'postgres']);
  expect(names('monitoring')).toEqual(['grafana', 'prometheus']);
  expect(compose.services['postgres']?.image).toBe('postgres:18');
});

test('the daemon of compose reaches the emulator on loopback, where plain http is accepted', () => {
  const daemon = compose.services['mirrorverse'];
  expect(daemon?.network_mode).toBe('service:emulator');
  expect(daemon?.environment?.['DATAVERSE_URL']).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
});

test('the daemon of compose says that its own network has no TLS', () => {
  expect(compose.services['mirrorverse']?.environment?.['DATABASE_URL']).toMatch(/\?sslmode=disable$/);
});

test('compose names no variable that the daemon does not know', () => {
  const known = read('README.md');
  for (const name of Object.keys(compose.services['mirrorverse']?.environment ?? {})) {
    expect(known).toContain(name);
  }
});
