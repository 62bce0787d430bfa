import { get, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openShownPage, type ShownPage } from '../support/shown-page.ts';
import { SHOWN_TABLES, writeShownState } from '../support/shown-state.ts';
import { eventually } from '../support/command-line.ts';

const MANY = Array.from(
  { length: 200 },
  (_, at) => `contoso_manufacturingorder${String(at).padStart(3, '0')}`,
);
const HOSTILE = '<script>alert("1")</script>\u202e\u{1f600}&amp;\'';

interface Said {
  readonly tables: readonly { readonly table: string; readonly phase: string; readonly html: string }[];
  readonly order?: { readonly tables: readonly string[]; readonly apart: readonly string[] };
}

/** A client of the events, and all that it was sent. */
class Follower {
  private readonly response: IncomingMessage;
  private text = '';

  private constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8').on('data', (piece: string) => (this.text += piece));
  }

  static async follow(url: string): Promise<Follower> {
    return new Promise((resolve, reject) => {
      get(`${url}/events`, (response) => resolve(new Follower(response))).on('error', reject);
    });
  }

  get status(): number | undefined {
    return this.response.statusCode;
  }

  get ended(): boolean {
    return this.response.readableEnded || this.response.destroyed;
  }

  get events(): readonly Said[] {
    return [...this.text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data) as Said);
  }

  close(): void {
    this.response.destroy();
  }
}

let shown: ShownPage;
beforeAll(async () => {
  shown = await openShownPage([...SHOWN_TABLES, HOSTILE]);
  await writeShownState(shown.database);
});
afterAll(async () => shown[Symbol.asyncDispose]());

const text = async (path = '/'): Promise<string> => (await fetch(shown.http.url + path)).text();

test('the status page says how all tables stand, with what needs somebody first', async () => {
  const page = await text();
  expect(page).toContain(
    '13 tables: 7 up to date, 1 failed, 1 retrying, 1 paused, 2 loading, 1 not loaded yet',
  );
  const names = [...page.matchAll(/<th scope=row>([a-z_]+)<td><b>/g)].map(([, name]) => name);
  expect(names.slice(0, 6)).toEqual([
    'incident',
    'invoice',
    'lead',
    'activitypointer',
    'new_shipment',
    'contact',
  ]);
  expect(page).toMatch(/privilege-missing.*may not read table incident.*organization-level Read/s);
  expect(page).toContain('612,400 of 1,000,000');
  expect(page).toMatch(/61 %/);
  expect(page).toContain('3 rows in quarantine');
  expect(page).toContain('2 rows differ from the source: <code>mirrorverse verify task</code>');
  expect(page).toMatch(/<th scope=row>task<td>.*<td>88,410<td>[-\d]{10} [:\d]{5} values/);
  expect(page).toContain('import of leads until the afternoon');
  expect(page).toContain('of 6,000 requests in the last 5 minutes');
  expect(page).toMatch(/throttled.*until/);
  expect(page).toContain('131,940 written, 12 deleted');
});

test('the status page escapes what a table is called', async () => {
  const page = await text();
  expect(page).not.toContain(HOSTILE);
  expect(page).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;\u202e\u{1f600}&amp;amp;&#39;');
  expect(page.match(/<script/g)).toHaveLength(1);
});

test('the script of the status page is small, and nothing of the page is inline', async () => {
  expect((await text('/status-page.js')).length).toBeLessThanOrEqual(5_000);
  const page = await text();
  expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:/);
  expect(page).not.toContain('Unlock');
});

test('the events bring the whole state first, and afterwards only the tables that changed', async () => {
  const first = await Follower.follow(shown.http.url);
  await eventually(() => first.events.length > 0);
  expect(first.events[0]?.tables).toHaveLength(13);
  await shown.database.query(`UPDATE mirrorverse.tables SET phase = 'rebaseline' WHERE "table" = 'team'`);
  await eventually(() => first.events.length > 1);
  expect(first.events[1]?.tables.map(({ table, phase }) => [table, phase])).toEqual([['team', 'rebaseline']]);
  expect(first.events[1]?.order?.tables).toContain('team');
  await delay(2_500);
  expect(first.events).toHaveLength(2);
  await shown.database.query(`UPDATE mirrorverse.differences SET repaired_at = now()`);
  await eventually(() => first.events.length > 2);
  expect(first.events[2]?.tables.map(({ table }) => table)).toEqual(['task']);
  first.close();
});

test('the state is read once for all who look, and never while nobody looks', async () => {
  const followers = await Promise.all(Array.from({ length: 5 }, async () => Follower.follow(shown.http.url)));
  await eventually(() => followers.every(({ events }) => events.length > 0));
  const before = shown.reads();
  await delay(2_500);
  expect(shown.reads() - before).toBeLessThanOrEqual(2);
  for (const follower of followers) follower.close();
  await delay(200);
  const after = shown.reads();
  await delay(2_500);
  expect(shown.reads()).toBe(after);
});

test.concurrent('twenty clients may follow the events, another one is refused, and all are sent away at the end', async () => {
  await using other = await openShownPage(['account']);
  const { url } = other.http;
  const followers = await Promise.all(Array.from({ length: 20 }, async () => Follower.follow(url)));
  expect(followers.map(({ status }) => status)).toEqual(followers.map(() => 200));
  expect((await fetch(`${url}/events`, { method: 'HEAD' })).status).toBe(503);
  const more = await Follower.follow(url);
  expect(more.status).toBe(503);
  more.close();
  followers[0]?.close();
  await eventually(async () => {
    const late = await Follower.follow(url);
    late.close();
    return late.status === 200;
  });
  await other[Symbol.asyncDispose]();
  await eventually(() => followers.every(({ ended }) => ended));
});

test.concurrent('two hundred tables make a page of at most 60 kB, whether they are well or all fail', async () => {
  await using many = await openShownPage(MANY);
  await many.database.query(
    `INSERT INTO mirrorverse.tables (environment_id, "table", phase, last_success_at)
     SELECT e.id, name, 'delta', now() FROM mirrorverse.environments e, unnest($1::text[]) name`,
    [MANY],
  );
  await many.database.query(
    `INSERT INTO mirrorverse.verified (environment_id, "table", method, at, rows, differences, requests)
     SELECT environment_id, "table", 'values', now(), 1, 0, 1 FROM mirrorverse.tables`,
  );
  const size = async (): Promise<number> => (await (await fetch(many.http.url)).arrayBuffer()).byteLength;
  expect(await size()).toBeLessThanOrEqual(60_000);
  await many.database.query(
    `UPDATE mirrorverse.tables SET error_code = 'privilege-missing', error_reaction = 'stop-table',
            error_message = repeat('The identity may not read it. ', 9), error_remedy = repeat('Let it read. ', 20)`,
  );
  await delay(2_100);
  expect(await size()).toBeLessThanOrEqual(60_000);
});

test.concurrent('the status page says why the database does not answer, and keeps what it knew', async () => {
  await using away = await openShownPage(['account']);
  expect(await (await fetch(away.http.url)).text()).toContain('account');
  await away.database.drop();
  await delay(2_100);
  const page = await (await fetch(away.http.url)).text();
  expect(page).toContain('account');
  expect(page).toMatch(/<code>database-[a-z]+<\/code>/);
});
