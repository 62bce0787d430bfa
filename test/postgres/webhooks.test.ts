import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setDefaultCACertificates, getCACertificates } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { signatureHeaders } from '../../src/sync/webhooks/signature.ts';
import { freePort } from '../support/bench.ts';
import { eventually } from '../support/command-line.ts';
import { openConnectProxy } from '../support/connect-proxy.ts';
import { temporaryDirectory } from '../support/database-server.ts';
import { id, page, row, tombstone } from '../support/hand-made.ts';
import { receiverCertificate } from '../support/webhook-receiver.ts';
import { SECRET, Scene, begun, rename, namesIn } from '../support/webhook-scene.ts';

describe('changes that are posted', () => {
  it('a receiver gets a marker for each table, then each change once and in order, signed, with exact numbers, by TLS', async () => {
    setDefaultCACertificates([...getCACertificates('default'), receiverCertificate()]);
    await using scene = await Scene.open('https');
    const { receiver } = scene;
    const delivery = scene.deliver({ wish: { url: `${receiver.url}?key=canary` } });
    await begun(receiver);
    const exact = {
      versionnumber: '4611686018427387905',
      amount: '12345678901234567890.12345678901',
      big: '9007199254740993',
    };
    await scene.table.write(page([row(1, 0, exact), row(2, 5)], 'delta'));
    await scene.table.write(page([tombstone(2)], 'delta'), true);
    await eventually(() => receiver.changes().length >= 4);
    expect(receiver.changes()).toMatchObject([
      { table: 'thing', operation: 'b', key: null, before: null, after: null },
      { operation: 'u', key: id(1), version: '4611686018427387905', before: { name: null } },
      { operation: 'c', key: id(2), version: '5', before: null },
      { operation: 'd', key: id(2), after: null },
    ]);
    const text = receiver.taken.map(({ body }) => body).join('\n');
    expect(text).toContain('"amount": 12345678901234567890.12345678901');
    expect(text).toContain('"big": 9007199254740993');
    expect(text).toContain('"versionnumber": 4611686018427387905');
    for (const { id: call, timestamp, body, signature, path } of receiver.taken) {
      expect(path).toBe('/hook?key=canary');
      expect(Math.abs(Date.now() / 1000 - timestamp)).toBeLessThan(60);
      expect(signatureHeaders({ id: call, timestamp, body }, [SECRET])['webhook-signature']).toBe(signature);
    }
    expect(JSON.stringify(delivery.lines)).not.toContain('canary');
  });

  it('a call has at most 100 changes or 256 kB, a larger change goes alone, and a very large one without its rows', async () => {
    await using scene = await Scene.open();
    const { test, receiver } = scene;
    const delivery = scene.deliver();
    await begun(receiver);
    await delivery.stop();
    await test.database.query(
      `INSERT INTO dataverse.thing (thingid, versionnumber, name, _mirrored_at)
       SELECT gen_random_uuid(), at + 10, repeat('x', CASE at WHEN 150 THEN 300000 WHEN 151 THEN 1200000 WHEN 152 THEN 100000 WHEN 153 THEN 200000 ELSE 1 END), now()
         FROM generate_series(1, 160) AS at ORDER BY at`,
    );
    scene.deliver();
    await eventually(() => receiver.changes().length >= 161);
    const calls = receiver.taken.slice(1);
    expect(calls.map(({ changes }) => changes.length)).toEqual([100, 49, 1, 2, 8]);
    expect(calls.flatMap(({ changes }) => changes.map(({ version }) => Number(version)))).toEqual(
      Array.from({ length: 160 }, (_, at) => at + 11),
    );
    const [, , large, mixed] = calls;
    expect(large?.body.length).toBeGreaterThan(300_000);
    expect(mixed?.changes).toMatchObject([{ omitted: true, before: null, after: null }, { version: '162' }]);
  });

  it('changes of tables that a webhook does not want pass by', async () => {
    await using scene = await Scene.open();
    const { test, receiver } = scene;
    scene.deliver({ wish: { tables: ['thing'] } });
    await begun(receiver);
    await test.database.query(
      `INSERT INTO mirrorverse.logged_changes (environment_id, table_name, operation) SELECT 1, 'account', 'b' FROM generate_series(1, 2500)`,
    );
    await rename(test, 'wanted');
    await eventually(() => namesIn(receiver).length > 0);
    expect(receiver.changes().map(({ table }) => table)).toEqual(['thing', 'thing']);
  });

  it('the receiver of the documentation takes what is genuine, and refuses another secret', async () => {
    const directory = await temporaryDirectory();
    const docs = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'webhooks.md'), 'utf8');
    const [, code = ''] = /```js\n([\s\S]+?)```/.exec(docs) ?? [];
    const file = join(directory, 'receiver.mjs');
    await writeFile(file, code);
    const port = await freePort();
    const child = spawn(process.execPath, [file], {
      env: { WEBHOOK_SECRET: SECRET, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += String(text)));
    try {
      await using scene = await Scene.open();
      const { test } = scene;
      const url = `http://127.0.0.1:${port}/`;
      const secrets = [`whsec_${Buffer.alloc(32).toString('base64')}`];
      scene.deliver({ wish: { url } });
      const forger = scene.deliver({ wish: { url, name: 'forger', secrets } });
      await eventually(() => output.startsWith('b thing null null'));
      await rename(test, 'genuine');
      await eventually(() => output.includes("name: 'genuine'"));
      await eventually(() => forger.lines.some(({ reason }) => reason === 'status 401'));
      expect(output.match(/b thing/g)).toHaveLength(1);
    } finally {
      child.kill();
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe('where a webhook may lead', () => {
  it('a name that resolves to a private address is refused when the connection is made, and an address that is one too', async () => {
    await using scene = await Scene.open('https');
    const { receiver } = scene;
    const wish = { allowPrivate: false };
    const url = `https://localhost:${receiver.port}/`;
    const byName = scene.deliver({ wish: { ...wish, url, name: 'name' } });
    const byAddress = scene.deliver({ wish: { ...wish, name: 'address' } });
    for (const { lines } of [byName, byAddress]) {
      await eventually(() => lines.some(({ reason }) => reason === 'no-public-address'));
    }
    expect(receiver.calls).toEqual([]);
  });

  it('calls go by the proxy of HTTPS_PROXY, and not where NO_PROXY has the host', async () => {
    setDefaultCACertificates([...getCACertificates('default'), receiverCertificate()]);
    await using scene = await Scene.open('https');
    const { receiver } = scene;
    await using proxy = await openConnectProxy();
    proxy.leadsTo = receiver.port;
    const settings = { url: proxy.url, exceptions: ['127.0.0.1'] };
    scene.deliver({ proxy: settings, wish: { url: 'https://localhost/hook' } });
    await begun(receiver);
    expect(proxy.targets).toEqual(['localhost:443']);
    scene.deliver({ proxy: settings, wish: { name: 'direct' } });
    await eventually(() => receiver.taken.length > 1);
    expect(proxy.targets).toHaveLength(1);
  });
});
