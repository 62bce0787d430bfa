import { pino } from 'pino';
import { expect, it } from 'vitest';
import { openDataverse } from '../../src/dataverse/dataverse.ts';
import type { LabelStore } from '../../src/mirror/labels/label-store.ts';
import type { Lease } from '../../src/mirror/lease/leases.ts';
import { Failure, type CodeOfOneReaction } from '../../src/model/failure.ts';
import { LabelKeeper } from '../../src/sync/watch/label-keeper.ts';
import { never, silent } from '../support/mirror.ts';

const LEASE: Lease = { table: 'account', holder: 'test', fence: 1n };

function failure(code: CodeOfOneReaction): Failure {
  return new Failure({ code, message: `${code}.` });
}

it('the reason why views cannot be made is reported once until the reason changes', async () => {
  const outcomes = [
    failure('grant-missing'),
    failure('grant-missing'),
    failure('statement-failed'),
    null,
    failure('statement-failed'),
  ];
  const asked: (readonly string[])[] = [];
  const labels: LabelStore = {
    // Read already, views still due: nothing is asked of the environment.
    state: async () => ({ basis: '7', viewsDue: true }),
    write: async () => undefined,
    async refreshViews(tables) {
      asked.push(tables);
      const outcome = outcomes.shift();
      if (outcome) throw outcome;
      return { changed: [], left: [] };
    },
  };
  const dataverse = openDataverse(
    {
      url: 'http://127.0.0.1:1',
      signIn: { method: 'access-token', token: 'none' },
      limits: { requestsPer5Minutes: 1, concurrency: 1, requestTimeout: 1_000 },
      userAgent: 'test',
    },
    silent,
  );
  dataverse.metadata.observe('7');
  const told: unknown[] = [];
  const logger = pino(
    { level: 'warn' },
    { write: (line: string) => told.push((JSON.parse(line) as { code: string }).code) },
  );
  const keeper = new LabelKeeper(labels, dataverse, logger);
  await keeper.keep('account', LEASE, never);
  for (let time = 0; time < 4; time++) await keeper.makeViews();
  expect(told).toEqual(['grant-missing', 'statement-failed']);
  expect(asked).toEqual(Array.from({ length: 4 }, () => ['account']));

  // Made once, they are due no longer, and new trouble is news.
  await keeper.makeViews();
  expect(asked).toHaveLength(4);
  await keeper.keep('account', LEASE, never);
  await keeper.makeViews();
  expect(told).toEqual(['grant-missing', 'statement-failed', 'statement-failed']);
  await dataverse.close();
});
