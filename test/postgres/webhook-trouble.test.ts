import { describe, expect, it } from 'vitest';
import { eventually } from '../support/command-line.ts';
import type { Receiver } from '../support/webhook-receiver.ts';
import { settled } from '../support/thing-changes.ts';
import { QUICK, Scene, begun, rename, namesIn } from '../support/webhook-scene.ts';

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
