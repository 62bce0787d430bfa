import { DataverseEmulator, type EmulatorOptions } from '../../src/emulator/dataverse-emulator.ts';

/** An answer of the emulator, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON. */
  readonly json: Record<string, unknown>;
  /** The rows of a page. */
  readonly rows: Record<string, unknown>[];
  /** Code and message of an error body. */
  readonly error: { readonly code?: string; readonly message?: string };
}

/** An emulator over HTTP and the requests a client makes to it. */
export class EmulatedApi implements AsyncDisposable {
  readonly emulator: DataverseEmulator;
  readonly root: string;

  private constructor(emulator: DataverseEmulator, root: string) {
    this.emulator = emulator;
    this.root = root;
  }

  static async open(options: EmulatorOptions = {}): Promise<EmulatedApi> {
    const emulator = new DataverseEmulator({ seed: 3, ...options });
    return new EmulatedApi(emulator, `${await emulator.listen()}/api/data/v9.2`);
  }

  /** Reads a resource below the service root, or a link as it was given. */
  async get(path: string, prefer?: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send('GET', path, undefined, prefer === undefined ? headers : { ...headers, prefer });
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(path.startsWith('http') ? path : `${this.root}/${path}`, {
      method,
      headers: { authorization: 'Bearer emulator-token', 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = text !== '' && response.headers.get('content-type')?.includes('json') === true;
    const json = (isJson ? JSON.parse(text) : {}) as Record<string, unknown>;
    return {
      status: response.status,
      headers: response.headers,
      text,
      json,
      rows: (json['value'] ?? []) as Record<string, unknown>[],
      error: json['error'] ?? {},
    };
  }

  /** Follows the next links of a read to its last page. */
  async pages(path: string, prefer: string): Promise<Answer[]> {
    const pages = [await this.get(path, prefer)];
    for (;;) {
      const next = pages.at(-1)?.json['@odata.nextLink'];
      if (typeof next !== 'string') return pages;
      pages.push(await this.get(next, prefer));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.emulator.close();
  }
}
