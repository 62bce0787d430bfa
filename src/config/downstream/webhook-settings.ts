import { createHash } from 'node:crypto';
import { isLoopback } from '../../model/loopback.ts';
import { fitsPattern } from '../../model/name-pattern.ts';
import type { Webhook } from '../../model/webhook.ts';
import type { ConfigProblem } from '../config.ts';
import { milliseconds } from '../duration.ts';
import type { Variables } from '../file/file-settings.ts';
import { feedOf } from './feed-settings.ts';
import { addMissing } from '../missing.ts';
import type { Settings } from '../settings.ts';

type WebhookSetting = NonNullable<Settings['webhooks']>[number];

const SECRET = 'MIRRORVERSE_WEBHOOK_SECRET';
const USUAL_KEEP = '30d';

/**
 * The webhooks. No problem quotes a value, because an address may have a secret in it.
 *
 * @param needed whether the command delivers changes, so that each webhook needs a secret.
 */
export function webhooksFrom(
  settings: Settings,
  variables: Variables,
  needed: boolean,
  problems: ConfigProblem[],
): Webhook[] {
  const names = new Set<string>();
  return (settings.webhooks ?? []).map((webhook, at) => {
    const key = `webhooks.${at}`;
    const allowPrivate = webhook.allowPrivate === true;
    const wrong = addressProblem(webhook.url, allowPrivate);
    if (wrong !== undefined) problems.push({ key: `${key}.url`, message: wrong });
    const name = webhook.name ?? nameOf(webhook.url);
    if (names.has(name)) {
      problems.push({ key, message: 'has the address or the name of another webhook; give each a name' });
    }
    names.add(name);
    checkTables(settings, webhook, key, problems);
    const keep = milliseconds(webhook.keep ?? USUAL_KEEP);
    if (keep === 0) problems.push({ key: `${key}.keep`, message: 'must be longer than nothing' });
    return {
      name,
      url: webhook.url,
      secrets: secretsOf(webhook, key, variables, needed, problems),
      tables: webhook.tables,
      allowPrivate,
      keep,
    };
  });
}

function addressProblem(text: string, allowPrivate: boolean): string | undefined {
  if (!URL.canParse(text)) return 'must be an address like https://example.com/changes';
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname) && allowPrivate)) {
    return 'must begin with https: (http: is for loopback addresses only, with allowPrivate: true)';
  }
  if (username !== '' || password !== '') return 'must not contain a user or a password';
  return hash === '' ? undefined : 'must not contain a fragment (#)';
}

/** Stays the same if only the query of the address changes, where a secret often stands. */
function nameOf(text: string): string {
  if (!URL.canParse(text)) return text;
  const { origin, hostname, pathname } = new URL(text);
  const hash = createHash('sha256').update(`${origin}${pathname}`).digest('hex').slice(0, 8);
  return `${hostname}-${hash}`;
}

function secretsOf(
  { secret }: WebhookSetting,
  key: string,
  variables: Variables,
  needed: boolean,
  problems: ConfigProblem[],
): string[] {
  const given = secret ?? variables[SECRET];
  if (given === undefined) {
    if (needed) {
      addMissing(problems, `${key}.secret`, `set it or ${SECRET}`);
    }
    return [];
  }
  const secrets = given.trim().split(/\s+/);
  if (!secrets.every(isSecret)) {
    problems.push({
      key: secret === undefined ? SECRET : `${key}.secret`,
      message: 'must be whsec_ and 24 to 64 bytes in base64; `openssl rand -base64 32` makes some',
    });
  }
  return secrets;
}

function isSecret(text: string): boolean {
  const [, base64] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  if (base64 === undefined) return false;
  const { length } = Buffer.from(base64, 'base64');
  return length >= 24 && length <= 64;
}

/** A table without a change log would be silent for ever, and nobody would notice. */
function checkTables(
  settings: Settings,
  { tables }: WebhookSetting,
  key: string,
  problems: ConfigProblem[],
): void {
  const items = (settings.tables ?? []).map((item) => (typeof item === 'string' ? { name: item } : item));
  const hasFeed = (item: (typeof items)[number]): boolean =>
    feedOf('feed' in item ? (item.feed ?? settings.feed) : settings.feed, settings.feed) !== 'off';
  if (tables === undefined) {
    if (items.length > 0 && !items.some(hasFeed)) {
      problems.push({ key, message: 'has no table with a change log; set feed: true' });
    }
    return;
  }
  for (const [at, table] of tables.entries()) {
    const item =
      items.find(({ name }) => name === table) ?? items.find(({ name }) => fitsPattern(table, name));
    const where = `${key}.tables.${at}`;
    if (item === undefined) problems.push({ key: where, message: 'is no table of `tables`' });
    else if (!hasFeed(item)) {
      problems.push({ key: where, message: 'is a table without a change log; set feed: true there' });
    }
  }
}
