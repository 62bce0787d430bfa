import { expect, it } from 'vitest';
import { proxyFrom } from '../../src/config/proxy-variables.ts';
import type { ConfigProblem } from '../../src/config/config.ts';
import { goesByProxy, proxyName } from '../../src/dataverse/network/proxy-settings.ts';

function goes(noProxy: string, host: string, port = 443, proxy = 'http://proxy.corp:8080'): boolean {
  const settings = proxyFrom({ HTTPS_PROXY: proxy, NO_PROXY: noProxy }, []);
  if (settings === undefined) throw new Error('no proxy');
  return goesByProxy(settings, host, port);
}

it.each([
  ['', 'contoso.crm.dynamics.com', true],
  ['*', 'contoso.crm.dynamics.com', false],
  ['corp', 'db.corp', false],
  ['.corp', 'db.corp', false],
  ['*.corp', 'db.corp', false],
  ['.corp', 'corp', false],
  ['corp', 'notcorp', true],
  ['db.corp', 'a.db.corp', false],
  ['DB.Corp.', 'db.corp', false],
  ['other, db.corp', 'DB.CORP.', false],
  ['other db.corp', 'db.corp', false],
  ['db.corp:443', 'db.corp', false],
  ['db.corp:8443', 'db.corp', true],
  ['10.1.2.3', '10.1.2.3', false],
  ['10.0.0.0/8', '10.1.2.3', false],
  ['10.0.0.0/8', '11.1.2.3', true],
  ['10.0.0.0/99', '10.1.2.3', true],
  ['0.1.2.3', '10.1.2.3', true],
  ['fd00::/8', '[fd12::1]', false],
  ['[fd12::1]:443', '[fd12::1]', false],
  ['[fd12::1]:80', '[fd12::1]', true],
  ['fd00::/8', '10.1.2.3', true],
])('NO_PROXY "%s" sends %s by the proxy: %s', (noProxy, host, expected) => {
  expect(goes(noProxy, host)).toBe(expected);
});

it('a loopback address goes by a proxy on this machine alone', () => {
  for (const host of ['localhost', '127.0.0.1', '[::1]']) {
    expect(goes('', host)).toBe(false);
    expect(goes('', host, 443, 'http://localhost:3128')).toBe(true);
    expect(goes(host, host, 443, 'http://localhost:3128')).toBe(false);
  }
});

it('a proxy is read from variables in capital and in small letters, with and without a scheme', () => {
  expect(proxyFrom({}, [])).toBeUndefined();
  expect(proxyFrom({ https_proxy: 'proxy.corp:8080', no_proxy: 'A,b' }, [])).toEqual({
    url: 'http://proxy.corp:8080',
    exceptions: ['a', 'b'],
  });
  expect(proxyName({ url: 'https://user:secret@proxy.corp', exceptions: [] })).toBe('proxy.corp:443');
  expect(proxyName({ url: 'http://[fd12::1]', exceptions: [] })).toBe('[fd12::1]:80');
});

it.each([
  'http://',
  'socks5://user:canary@proxy:1',
  'http://user:canary@proxy:99999',
  'http://u:canary%@proxy',
])('the proxy %s is a problem of HTTPS_PROXY that does not show its password', (value) => {
  const problems: ConfigProblem[] = [];
  expect(proxyFrom({ HTTPS_PROXY: value }, problems)).toBeUndefined();
  expect(problems.map(({ key }) => key)).toEqual(['HTTPS_PROXY']);
  expect(JSON.stringify(problems)).not.toContain('canary');
});
