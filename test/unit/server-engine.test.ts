import { expect, test } from 'vitest';
import { unfitEngine } from '../../src/mirror/connection/server-engine.ts';

test.each([
  'PostgreSQL 18.4 on x86_64-pc-linux-gnu, compiled by gcc (Debian 14.2.0-19) 14.2.0, 64-bit',
  'PostgreSQL 15.8 (Debian 15.8-1.pgdg120+1) on aarch64-unknown-linux-gnu, 64-bit',
  'PostgreSQL 17.5 on x86_64-pc-linux-musl, compiled by Alpine, 64-bit',
  '',
])('the engine that says %j is fit', (version) => {
  expect(unfitEngine(version)).toBeUndefined();
});

test.each([
  ['CockroachDB', 'CockroachDB CCL v23.1.11 (x86_64-pc-linux-gnu, built 2023/09/27 01:53:43, go1.19.10)'],
  ['YugabyteDB', 'PostgreSQL 11.2-YB-2.20.1.0-b0 on x86_64-pc-linux-gnu, compiled by clang, 64-bit'],
  ['YugabyteDB', 'PostgreSQL 15.2-YB-2025.1.0.0-b168 on aarch64-unknown-linux-gnu, 64-bit'],
])('the engine %s is refused by what it says of its version', (engine, version) => {
  expect(unfitEngine(version)).toMatchObject({ code: 'engine-unfit', details: { engine } });
});
