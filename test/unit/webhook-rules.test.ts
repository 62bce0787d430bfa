import type { LookupAddress } from 'node:dns';
import { array, assert, asyncProperty, boolean, ipV4, ipV6, oneof } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPublicAddress, publicLookup } from '../../src/sync/webhooks/public-address.ts';
import { signatureHeaders } from '../../src/sync/webhooks/signature.ts';
import { load, problemsOf } from './config-directory.ts';

/** The published vector of the libraries of Standard Webhooks. */
const VECTOR = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: 1614265330,
  body: '{"test": 2432232314}',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};
const OTHER = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

describe('the signature of a call', () => {
  it('the signature is that of the published vector', () => {
    expect(signatureHeaders(VECTOR, [VECTOR.secret])).toEqual({
      'webhook-id': VECTOR.id,
      'webhook-timestamp': String(VECTOR.timestamp),
      'webhook-signature': VECTOR.signature,
    });
  });

  it('two secrets give two signatures', () => {
    const [own, second = ''] =
      signatureHeaders(VECTOR, [VECTOR.secret, OTHER])['webhook-signature']?.split(' ') ?? [];
    expect(own).toBe(VECTOR.signature);
    expect(second).toMatch(/^v1,/);
    expect(second).not.toBe(own);
  });
});

describe('addresses that a webhook may reach', () => {
  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '127.9.9.9',
    '168.63.129.16',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::a00:1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fec0::1',
    'ff02::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
  ])('address %s is not public', (address) => expect(isPublicAddress(address)).toBe(false));

  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a01:111:f100::1'])(
    'address %s is public',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  it('a lookup gives the public ones of any addresses, and none if there is none', async () => {
    const address = oneof(
      ipV4().map((text) => ({ address: text, family: 4 })),
      ipV6().map((text) => ({ address: text, family: 6 })),
    );
    await assert(
      asyncProperty(array(address), boolean(), async (addresses, all) => {
        const wanted: readonly LookupAddress[] = addresses.filter((each) => isPublicAddress(each.address));
        const lookup = publicLookup((_name, _options, found) => found(null, addresses));
        const given = await new Promise<unknown>((resolve) =>
          lookup('name.example', { all }, (error, found) => resolve(error?.code ?? found)),
        );
        const [first] = wanted;
        const instead = all ? wanted : first?.address;
        expect(given).toEqual(first === undefined ? 'no-public-address' : instead);
      }),
    );
  });

  it('an error of the name service stays what it is', async () => {
    const trouble = Object.assign(new Error('away'), { code: 'EAI_AGAIN' });
    const lookup = publicLookup((_name, _options, found) => found(trouble, [] as LookupAddress[]));
    const given = await new Promise((resolve) => lookup('name.example', {}, (error) => resolve(error)));
    expect(given).toBe(trouble);
  });
});

const TABLES = 'tables: [{ name: account, feed: true }, { name: "msdyn_*", feed: true }, contact]';
const RUNS = { tables: true };

const named = (url: string, secret: string): unknown =>
  load(`webhooks: [{ url: '${url}' }]\n${TABLES}`, { MIRRORVERSE_WEBHOOK_SECRET: secret }, RUNS).webhooks[0];

describe('webhooks in the configuration', () => {
  it('a webhook has its name from host and path, so a new secret in the query changes nothing', () => {
    const before = named('https://hooks.example/in?key=one', VECTOR.secret);
    expect(before).toMatchObject({ secrets: [VECTOR.secret], tables: undefined, keep: 30 * 86_400_000 });
    const { name } = before as { name: string };
    expect(name).toMatch(/^hooks\.example-[0-9a-f]{8}$/);
    expect(named('https://hooks.example/in?key=two', `${OTHER} ${VECTOR.secret}`)).toMatchObject({
      name,
      secrets: [OTHER, VECTOR.secret],
    });
    expect(named('https://hooks.example/other', VECTOR.secret)).not.toMatchObject({ name });
  });

  it('every mistake is named by its key, and no message has a part of an address or a secret', () => {
    const problems = problemsOf(
      `webhooks:
  - { url: 'http://hooks.example/canary', secret: canary, tables: [contact, lead, msdyn_workorder] }
  - { url: 'http://127.0.0.1/canary', secret: whsec_Y2FuYXJ5 }
  - { url: 'https://canary:canary@hooks.example/', secret: ${OTHER}, keep: 0d }
  - { url: 'https://hooks.example/in?canary', name: one, secret: ${OTHER} }
  - { url: 'https://hooks.example/out?canary', name: one }
${TABLES}`,
      {},
      RUNS,
    );
    expect(problems.map(({ key, message }) => [key, message.split(/[;,(]/)[0]?.trim()])).toEqual([
      ['webhooks.0.url', 'must begin with https:'],
      ['webhooks.0.secret', 'must be whsec_ and 24 to 64 bytes in base64'],
      ['webhooks.0.tables.0', 'is a table without a change log'],
      ['webhooks.0.tables.1', 'is no table of `tables`'],
      ['webhooks.1.url', 'must begin with https:'],
      ['webhooks.1.secret', 'must be whsec_ and 24 to 64 bytes in base64'],
      ['webhooks.2.url', 'must not contain a user or a password'],
      ['webhooks.2.keep', 'must be longer than nothing'],
      ['webhooks.4', 'has the address or the name of another webhook'],
      ['webhooks.4.secret', 'is missing'],
    ]);
    expect(JSON.stringify(problems)).not.toMatch(/canary|Y2FuYXJ5/);
    expect(problemsOf(`webhooks: [{ url: 'https://hooks.example' }]\ntables: [account]`)).toMatchObject([
      { key: 'webhooks.0', message: 'has no table with a change log; set feed: true' },
    ]);
  });

  it('plain http goes to this machine alone, and only where that is allowed', () => {
    const yaml = `webhooks: [{ url: 'http://127.0.0.1:8090', allowPrivate: true }]\n${TABLES}`;
    expect(load(yaml).webhooks).toMatchObject([{ allowPrivate: true, secrets: [] }]);
    expect(() => load(yaml.replace('127.0.0.1', '10.0.0.1'))).toThrow('webhooks.0.url');
  });
});
