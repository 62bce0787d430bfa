import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setDefaultCACertificates, getCACertificates } from 'node:tls';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { runWebhooks, type WebhookOptions } from '../../src/sync/webhooks/webhook-service.ts';
import { DELIVERY_TIMES, type DeliveryTimes } from '../../src/sync/webhooks/endpoint-delivery.ts';
import { signatureHeaders } from '../../src/sync/webhooks/signature.ts';
import type { WebhookWish } from '../../src/sync/webhooks/webhook-post.ts';
import { freePort } from '../support/bench.ts';
import { eventually } from '../support/command-line.ts';
import { openConnectProxy } from '../support/connect-proxy.ts';
import { temporaryDirectory } from '../support/database-server.ts';
import { id, page, row, THING, tombstone } from '../support/hand-made.ts';
import { testMirror, WritingTable, type TestMirror } from '../support/mirror.ts';
import { openReceiver, receiverCertificate, type Receiver } from '../support/webhook-receiver.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const QUICK: DeliveryTimes = {
  ...DELIVERY_TIMES,
  look: 10,
  lease: 2_000,
  first: 10,
  longest: 40,
  timeout: 10_000,
};

/** A webhook at work, in the place of a daemon. */
interface Delivery {
  readonly lines: readonly Record<string, unknown>[];
  readonly stop: () => Promise<void>;
}

type More = Partial<Omit<WebhookOptions, 'wishes'>> & { readonly wish?: Partial<WebhookWish> };

/** Other tests have open transactions on the same server, and changes behind them are not settled yet. */
async function settled({ database }: TestMirror): Promise<void> {
  const unsettled = 'SELECT FROM mirrorverse.changes WHERE xact >= pg_snapshot_xmin(pg_current_snapshot())';
  await eventually(async () => (await database.query(unsettled)).length === 0);
}

/** A loaded table with a change log, and a receiver. */
class Scene implements AsyncDisposable {
  readonly test: TestMirror;
  readonly receiver: Receiver;
  readonly table: WritingTable;
  private readonly deliveries: Delivery[] = [];

  private constructor(test: TestMirror, receiver: Receiver, table: WritingTable) {
    this.test = test;
    this.receiver = receiver;
    this.table = table;
  }

  static async open(scheme?: 'http' | 'https'): Promise<Scene> {
    const [test, receiver] = await Promise.all([testMirror(), openReceiver(scheme)]);
    const table = await WritingTable.open(test.mirror, THING, { feed: 'marker' });
    await table.write(page([row(1, 1)], 'delta'));
    await settled(test);
    return new Scene(test, receiver, table);
  }

  /** Begins to deliver, as a daemon does. */
  deliver({ wish, ...options }: More = {}): Delivery {
    const stop = new AbortController();
    const lines: Record<string, unknown>[] = [];
    const write = (text: string): void => void lines.push(JSON.parse(text) as Record<string, unknown>);
    const { url } = this.receiver;
    const usual = { name: 'test', url, secrets: [SECRET], tables: undefined, allowPrivate: true };
    const wishes: WebhookWish[] = [{ ...usual, keep: 86_400_000, ...wish }];
    const ended = runWebhooks(
      {
        mirror: this.test.mirror,
        wishes: () => wishes,
        onReconfigured: () => undefined,
        proxy: undefined,
        holder: 'test/1',
        logger: pino({ level: 'debug' }, { write }),
        times: QUICK,
        ...options,
      },
      stop.signal,
    );
    const delivery = {
      lines,
      async stop() {
        stop.abort();
        await ended;
      },
    };
    this.deliveries.push(delivery);
    return delivery;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.deliveries.map(async ({ stop }) => stop()));
    await this.receiver[Symbol.asyncDispose]();
    await this.test[Symbol.asyncDispose]();
  }
}

/** Waits until the webhook got the marker with which each begins. */
async function begun(receiver: Receiver): Promise<void> {
  await eventually(() => receiver.changes().length > 0);
}

async function rename(test: TestMirror, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await test.database.query('UPDATE dataverse.thing SET name = $1 WHERE versionnumber = 1', [name]);
  }
}

const namesIn = (receiver: Receiver): unknown[] =>
  receiver.changes().flatMap(({ operation, after }) => (operation === 'u' ? [after?.['name']] : []));

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

describe('a webhook in trouble', () => {
  it('a batch is tried again with the same id until it is taken: nothing is lost, skipped or out of order', async () => {
    await using scene = await Scene.open();
    const { test, receiver } = scene;
    const delivery = scene.deliver({ times: { ...QUICK, timeout: 1_500 } });
    await begun(receiver);
    const troubles: Receiver['conduct'][] = [
      () => 500,
      () => [302, { location: `http://127.0.0.1:${receiver.port}/elsewhere` }],
      () => [503, { 'retry-after': 'soon' }],
      (_, response) => (response.destroy(), 'handled'),
      () => 'handled', // no answer
      (_, response) => {
        // A success whose body does not end.
        receiver.taken.push(receiver.calls.at(-1) as Receiver['taken'][number]);
        response.writeHead(200);
        const more = setInterval(() => response.write(Buffer.alloc(65_536)), 1);
        response.on('close', () => clearInterval(more));
        return 'handled';
      },
    ];
    receiver.conduct = (call, response) => troubles.shift()?.(call, response) ?? 204;
    receiver.calls.length = 0;
    await rename(test, 'one');
    await eventually(() => receiver.calls.length > 0);
    await rename(test, 'two', 'three');
    await eventually(() => namesIn(receiver).length >= 3);
    expect(namesIn(receiver)).toEqual(['one', 'two', 'three']);
    expect(new Set(receiver.calls.slice(0, 6).map((call) => call.id)).size).toBe(1);
    expect(new Set(receiver.calls.map(({ path }) => path))).toEqual(new Set(['/hook']));
    expect(receiver.calls[6]?.id).not.toBe(receiver.calls[5]?.id);
    const reasons = delivery.lines.flatMap(({ reason }) => (reason === undefined ? [] : [reason]));
    expect(reasons).toEqual(['status 500', 'status 302', 'status 503', 'ECONNRESET', 'time-out']);
    expect(delivery.lines.filter(({ level }) => level === 40)).toHaveLength(1);
  });

  it('a receiver is left alone for as long as Retry-After asks', async () => {
    await using scene = await Scene.open();
    const { receiver } = scene;
    const times: number[] = [];
    receiver.conduct = () => {
      times.push(performance.now());
      return times.length === 1 ? [429, { 'retry-after': '1' }] : 204;
    };
    scene.deliver();
    await begun(receiver);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(980);
  });

  it('a batch that is not taken in time becomes a dead letter, the next one is delivered, and the dead letter goes once more when asked', async () => {
    await using scene = await Scene.open();
    const { test, receiver } = scene;
    receiver.conduct = ({ changes }) => (changes[0]?.after?.['name'] === 'dead' ? 500 : 204);
    const delivery = scene.deliver({ times: { ...QUICK, giveUp: 60 } });
    await begun(receiver);
    await rename(test, 'dead');
    await eventually(() => receiver.calls.length > 1);
    await rename(test, 'alive');
    await eventually(() => namesIn(receiver).length > 0);
    expect(namesIn(receiver)).toEqual(['alive']);
    const letters = 'SELECT id::int, endpoint, reason, attempts, changes FROM mirrorverse.dead_letters';
    const [letter] = await test.database.query(letters);
    const tries = receiver.calls.filter(({ changes }) => changes[0]?.after?.['name'] === 'dead');
    expect(letter).toMatchObject({ endpoint: 'test', reason: 'status 500', attempts: tries.length });
    expect(letter?.['changes']).toEqual(tries[0]?.changes);
    expect(delivery.lines.filter(({ level }) => level === 50)).toHaveLength(1);

    const retry = 'SELECT mirrorverse.retry_dead_letter($1) AS found';
    expect(await test.database.query(retry, [letter?.['id']])).toEqual([{ found: true }]);
    await eventually(
      async () => ((await test.database.query(letters))[0]?.['attempts'] as number) > tries.length,
    );
    receiver.conduct = () => 204;
    await test.database.query(retry, [letter?.['id']]);
    await eventually(() => namesIn(receiver).length > 1);
    expect(receiver.taken.at(-1)).toMatchObject({ id: tries[0]?.id, changes: tries[0]?.changes });
    await eventually(async () => (await test.database.query(letters)).length === 0);
    expect(await test.database.query(retry, [letter?.['id']])).toEqual([{ found: false }]);
  });

  it('dead letters go when they are older than keep', async () => {
    await using scene = await Scene.open();
    const { test, receiver } = scene;
    for (const age of ['2 hours', '1 minute']) {
      await test.database.query(
        `INSERT INTO mirrorverse.dead_letters (environment_id, endpoint, webhook_id, changes, reason, attempts, begun_at, failed_at)
         VALUES (1, 'test', 'msg_1', '[]', $1::text, 1, now(), now() - $1::text::interval)`,
        [age],
      );
    }
    scene.deliver({ wish: { keep: 3_600_000 } });
    await begun(receiver);
    expect(await test.database.query('SELECT reason FROM mirrorverse.dead_letters')).toEqual([
      { reason: '1 minute' },
    ]);
  });

  it('a receiver that is gone (410) gets nothing until somebody starts it again, and then what it lacks', async () => {
    await using scene = await Scene.open();
    const { test, receiver } = scene;
    let delivery = scene.deliver();
    await begun(receiver);
    receiver.conduct = () => 410;
    await rename(test, 'one');
    await eventually(() => delivery.lines.some(({ level }) => level === 40));
    await delivery.stop();
    delivery = scene.deliver();
    await eventually(() => delivery.lines.some(({ level }) => level === 40));
    expect(receiver.calls).toHaveLength(2);
    receiver.conduct = () => 204;
    await test.database.query(`UPDATE mirrorverse.webhooks SET stopped_at = NULL`);
    await eventually(() => namesIn(receiver).length > 0);
    await delivery.stop();
    expect(receiver.calls[2]?.id).toBe(receiver.calls[1]?.id);
  });

  it('trouble with the state is in the log once, without a change of any row, and the delivery goes on after it', async () => {
    await using scene = await Scene.open();
    const { test, receiver } = scene;
    const delivery = scene.deliver();
    await begun(receiver);
    await test.database.query('ALTER TABLE mirrorverse.webhooks RENAME TO away');
    await rename(test, 'canary');
    await eventually(() => delivery.lines.some(({ level, code }) => level === 40 && code !== undefined));
    const failed = (): number => delivery.lines.filter(({ code }) => code !== undefined).length;
    await eventually(() => failed() > 2);
    await test.database.query('ALTER TABLE mirrorverse.away RENAME TO webhooks');
    await eventually(() => receiver.changes().length > 1);
    expect(delivery.lines.filter(({ level }) => level === 40)).toHaveLength(1);
    expect(JSON.stringify(delivery.lines)).not.toContain('canary');
  });

  it('a webhook that was away for longer than the log is kept gets the markers again, and then what changes from now on', async () => {
    await using scene = await Scene.open();
    const { test, receiver } = scene;
    let delivery = scene.deliver();
    await begun(receiver);
    await delivery.stop();
    await rename(test, 'lost', 'not lost');
    await test.database.query(`
      INSERT INTO mirrorverse.dropped_changes SELECT environment_id, xact, position FROM mirrorverse.changes WHERE after ->> 'name' = 'lost';
      DELETE FROM mirrorverse.logged_changes WHERE position IN (SELECT position FROM mirrorverse.changes WHERE after ->> 'name' = 'lost')`);
    await settled(test);
    delivery = scene.deliver();
    await eventually(() => receiver.changes().length > 1);
    await rename(test, 'new');
    await eventually(() => namesIn(receiver).length > 0);
    await delivery.stop();
    expect(receiver.changes().map(({ operation }) => operation)).toEqual(['b', 'b', 'u']);
    expect(namesIn(receiver)).toEqual(['new']);
    expect(delivery.lines.filter(({ level }) => level === 40)).toHaveLength(1);
  });
});

describe('several processes', () => {
  it('one of two processes delivers; the other one takes over, and repeats a call of unknown fate with the same id', async () => {
    await using scene = await Scene.open();
    const { test, receiver } = scene;
    const first = scene.deliver();
    await begun(receiver);
    scene.deliver({ holder: 'test/2' });
    const holder = async (): Promise<unknown> =>
      (await test.database.query('SELECT holder FROM mirrorverse.webhooks'))[0]?.['holder'];
    await rename(test, 'one');
    await eventually(() => namesIn(receiver).length > 0);
    expect(await holder()).toBe('test/1');
    // The receiver takes the next batch, and the process ends before it knows.
    receiver.conduct = () => (receiver.calls.length === 3 ? 'handled' : 204);
    await rename(test, 'two');
    await eventually(() => receiver.calls.length === 3);
    await first.stop();
    await eventually(() => namesIn(receiver).length > 1);
    expect(await holder()).toBe('test/2');
    expect(namesIn(receiver)).toEqual(['one', 'two']);
    expect(receiver.calls[3]).toMatchObject({ id: receiver.calls[2]?.id, body: receiver.calls[2]?.body });
  });

  it('a process whose right to deliver has run out settles nothing', async () => {
    await using scene = await Scene.open();
    const { test, receiver } = scene;
    scene.deliver();
    await begun(receiver);
    receiver.conduct = ({ changes }, response) => {
      const steal = `UPDATE mirrorverse.webhooks SET holder = 'other', lease_expires_at = now() + interval '1 hour'`;
      void test.database.query(steal).then(() => response.writeHead(204).end());
      expect(changes).toHaveLength(1);
      return 'handled';
    };
    await rename(test, 'one');
    await eventually(() => receiver.calls.length > 1);
    await eventually(async () => {
      const [stored] = await test.database.query(
        'SELECT holder, batch_id, attempts FROM mirrorverse.webhooks',
      );
      return stored?.['holder'] === 'other' && stored['batch_id'] === receiver.calls[1]?.id;
    });
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
