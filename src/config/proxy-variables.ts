import type { ProxySettings } from '../dataverse/network/proxy-settings.ts';
import type { ConfigProblem } from './config.ts';
import type { Variables } from './file/file-settings.ts';

const EXAMPLE = 'http://proxy.corp:8080';

/**
 * The proxy for https: addresses from HTTPS_PROXY and NO_PROXY, in capital or in small letters, as other programs read
 * them. HTTP_PROXY plays no part: plain http: is for this machine alone.
 *
 * A problem never shows the value, because a password may be in it.
 */
export function proxyFrom(variables: Variables, problems: ConfigProblem[]): ProxySettings | undefined {
  const name = variables['HTTPS_PROXY'] === undefined ? 'https_proxy' : 'HTTPS_PROXY';
  const value = variables[name];
  if (value === undefined) return undefined;
  const url = value.includes('://') ? value : `http://${value}`;
  const problem = proxyProblem(url);
  if (problem !== undefined) {
    problems.push({ key: name, message: problem });
    return undefined;
  }
  const exceptions = (variables['NO_PROXY'] ?? variables['no_proxy'] ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '');
  return { url, exceptions };
}

function proxyProblem(text: string): string | undefined {
  const must = `must be an address like ${EXAMPLE}, perhaps with user and password: http://user:password@host:port`;
  if (!URL.canParse(text)) return must;
  const { protocol, hostname, username, password } = new URL(text);
  if (protocol !== 'http:' && protocol !== 'https:')
    return `${must}; other kinds of proxies are not supported`;
  if (hostname === '') return must;
  try {
    decodeURIComponent(username + password);
    return undefined;
  } catch {
    return 'has a % in user or password that encodes no character; write % as %25';
  }
}
