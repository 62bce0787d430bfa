import { chmod, chown, copyFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { clusterPlace, queryOnce, until } from './cluster-support.ts';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'tls');

/** Whose certificate the server shows. */
export type CertificateOf = 'localhost' | 'other-host';

/** A PostgreSQL server of its own that has TLS. */
export interface TlsServer extends AsyncDisposable {
  /** Address with such parameters, by name or by number. */
  url(parameters?: Readonly<Record<string, string>>, host?: string): string;
  /** Has it show another certificate from now on, or none. */
  show(certificate: CertificateOf | undefined): Promise<void>;
}

/** The file that proves a certificate, which signs itself. */
export function certificateFile(of: CertificateOf): string {
  return join(FIXTURES, `${of}-certificate.pem`);
}

export async function tlsServer(): Promise<TlsServer> {
  const place = await clusterPlace();
  const server = await place.open();
  const { uid, gid } = await stat(place.data);
  for (const name of ['localhost', 'other-host']) {
    for (const part of ['key', 'certificate']) {
      const file = join(place.data, `${name}-${part}.pem`);
      await copyFile(join(FIXTURES, `${name}-${part}.pem`), file);
      // PostgreSQL takes no key that others may read.
      await chown(file, uid, gid);
      await chmod(file, 0o600);
    }
  }
  return {
    url(parameters = {}, host = '127.0.0.1') {
      const address = new URL(server.url);
      address.hostname = host;
      for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
      return address.href;
    },
    async show(certificate) {
      if (certificate !== undefined) {
        await queryOnce(server.url, `ALTER SYSTEM SET ssl_cert_file = '${certificate}-certificate.pem'`);
        await queryOnce(server.url, `ALTER SYSTEM SET ssl_key_file = '${certificate}-key.pem'`);
      }
      const isOn = certificate === undefined ? 'off' : 'on';
      await queryOnce(server.url, `ALTER SYSTEM SET ssl = ${isOn}`);
      await queryOnce(server.url, 'SELECT pg_reload_conf()');
      await until(`the certificate of ${certificate ?? 'nobody'}`, async () => {
        const [now] = await queryOnce<{ ssl: string; file: string }>(
          server.url,
          `SELECT current_setting('ssl') AS ssl, current_setting('ssl_cert_file') AS file`,
        );
        const shown = certificate === undefined || now?.file === `${certificate}-certificate.pem`;
        return now?.ssl === isOn && shown;
      });
    },
    async [Symbol.asyncDispose]() {
      await server.release();
      await place[Symbol.asyncDispose]();
    },
  };
}
