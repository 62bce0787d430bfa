import { Failure } from '../../model/failure.ts';
import { proxyName, type ProxySettings } from './proxy-settings.ts';

/** What went wrong at a proxy. */
export class ProxyError extends Error {
  /** `PROXY_` with the status of the proxy's answer, or with the code of the connection to the proxy. */
  readonly code: string;
  /** Host and port that the proxy was asked for. */
  readonly target: string;

  constructor(what: number | string, target: string) {
    super('The proxy made no connection.');
    this.name = 'ProxyError';
    this.code = `${PREFIX}${what}`;
    this.target = target;
  }
}

const PREFIX = 'PROXY_';
/** Statuses of a proxy under which another try may succeed. */
const PASSING_STATUS = /^(?:408|429|5\d\d)$/;

/** Whether a code is one of `ProxyError`. Libraries keep the code of an error, and not its class. */
export function isProxyCode(code: string | undefined): code is string {
  return code?.startsWith(PREFIX) === true;
}

/** Whether another try may succeed without any change. */
export function proxyTroublePasses(code: string): boolean {
  const what = code.slice(PREFIX.length);
  return !/^\d+$/.test(what) || PASSING_STATUS.test(what);
}

/** The failure that names the proxy, and never its user or password. @param target host and port behind it. */
export function proxyFailure(code: string, target: string, proxy: ProxySettings): Failure {
  const what = code.slice(PREFIX.length);
  const name = `The proxy ${proxyName(proxy)}`;
  const details = { proxy: proxyName(proxy), trouble: what };
  if (what === '407') {
    const hasIdentity = new URL(proxy.url).username !== '';
    return new Failure({
      code: 'proxy-refused',
      message: hasIdentity
        ? `${name} refused the user and password of HTTPS_PROXY (status 407).`
        : `${name} asks for a user and a password (status 407).`,
      remedy:
        'Put user and password of the proxy into HTTPS_PROXY, as http://user:password@host:port. Write other characters than letters and digits percent-encoded.',
      details,
    });
  }
  const host = target.replace(/:\d+$/, '');
  if (!proxyTroublePasses(code)) {
    return new Failure({
      code: 'proxy-refused',
      message: `${name} refuses connections to ${target} (status ${what}).`,
      remedy: `Allow ${target} at the proxy. If this machine reaches ${host} without the proxy, add ${host} to NO_PROXY.`,
      details,
    });
  }
  if (/^\d+$/.test(what)) {
    return new Failure({
      code: 'proxy-unreachable',
      message: `${name} has no connection to ${target} (status ${what}).`,
      remedy: `Check the address of ${host}, and whether the proxy can reach it. If this machine reaches ${host} without the proxy, add ${host} to NO_PROXY.`,
      details,
    });
  }
  return new Failure({
    code: 'proxy-unreachable',
    message:
      what === 'ENOTFOUND' || what === 'EAI_AGAIN'
        ? `The host name of the proxy ${proxyName(proxy)} does not resolve (${what}).`
        : `${name} does not answer a request for ${target} (${what}).`,
    details,
  });
}
