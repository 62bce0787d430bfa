import { pino } from 'pino';
import { expect, test } from 'vitest';
import {
  followNudgeQueue,
  type QueueClient,
  type QueueMessage,
  type QueueReceiver,
} from '../../src/operations/nudges/nudge-queue.ts';

const CLAIMS = 'http://schemas.microsoft.com/xrm/2011/Claims/';
const message = (table: unknown, organization: unknown = 'contoso.crm.dynamics.com'): QueueMessage => ({
  applicationProperties: {
    [`${CLAIMS}EntityLogicalName`]: table,
    [`${CLAIMS}Organization`]: organization,
    [`${CLAIMS}RequestName`]: 'Update',
  },
});

/** A queue with the receiver of the library's own shape: it calls the handlers, and the caller completes. */
class FakeQueue implements QueueClient, QueueReceiver {
  readonly completed: QueueMessage[] = [];
  readonly closed: string[] = [];
  /** The queue, and whether the library is to complete messages by itself. */
  readonly asked: (string | boolean)[] = [];
  failsToComplete = false;
  private handlers: Parameters<QueueReceiver['subscribe']>[0] | undefined;

  createReceiver(queue: string): QueueReceiver {
    this.asked.push(queue);
    return this;
  }

  subscribe(...[handlers, options]: Parameters<QueueReceiver['subscribe']>): { close(): Promise<void> } {
    this.asked.push(options.autoCompleteMessages);
    this.handlers = handlers;
    return { close: async () => this.close() };
  }

  async completeMessage(completed: QueueMessage): Promise<void> {
    if (this.failsToComplete) throw Object.assign(new Error('lock lost'), { code: 'MessageLockLost' });
    this.completed.push(completed);
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.closed.push('closed');
    return Promise.resolve();
  }

  async give(given: QueueMessage): Promise<void> {
    await this.handlers?.processMessage(given);
  }

  async fail(error: unknown): Promise<void> {
    await this.handlers?.processError({ error });
  }
}

function follow(): { queue: FakeQueue; nudges: string[]; log: () => string; end: () => Promise<void> } {
  const queue = new FakeQueue();
  const nudges: string[] = [];
  const lines: string[] = [];
  const stop = new AbortController();
  const options = {
    client: queue,
    queue: 'nudges',
    isOwn: (organization: string) => organization === 'contoso.crm.dynamics.com',
    receive: (table: string) => nudges.push(table),
    logger: pino({ level: 'info' }, { write: (line: string) => lines.push(line) }),
  };
  const ended = followNudgeQueue(options, stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await ended;
  };
  return { queue, nudges, log: () => lines.join(''), end };
}

test('a message of the queue is a nudge, and is completed after it was taken', async () => {
  const { queue, nudges, end } = follow();
  await queue.give(message('Account'));
  expect([nudges, queue.completed.length]).toEqual([['account'], 1]);
  await end();
  expect(queue.asked).toEqual(['nudges', false]);
  expect(queue.closed.length).toBe(3);
});

test('a message that is no nudge is completed too, whatever is in it', async () => {
  const { queue, nudges, end } = follow();
  for (const odd of [
    {},
    message(7),
    message('account', 'fabrikam.crm.dynamics.com'),
    message('account', null),
  ]) {
    await queue.give(odd);
  }
  expect([nudges, queue.completed.length]).toEqual([[], 4]);
  await end();
});

test('a queue in trouble is told once by its code, and ends nothing', async () => {
  const { queue, nudges, log, end } = follow();
  const error = Object.assign(new Error('sb://contoso has the key abc'), { code: 'UnauthorizedAccess' });
  await queue.fail(error);
  await queue.fail(error);
  queue.failsToComplete = true;
  await queue.give(message('account'));
  expect(nudges).toEqual(['account']);
  expect(log().match(/gives no messages/g)?.length).toBe(1);
  expect(log()).toContain('UnauthorizedAccess');
  expect(log()).not.toContain('abc');
  await end();
});
