import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { ProxiedConnection, type Direction, type Verdict, type Weather } from './proxied-connection.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** A trap: the first connection that trips it is cut. */
interface Trap {
  readonly direction: Direction;
  /** Where in the piece it is tripped; -1 when not in this one. */
  place(connection: ProxiedConnection, piece: Buffer): number;
  readonly cut: 'reset' | 'blackhole';
  readonly tripped: () => void;
}

export interface SwallowOptions {
  /** Which occurrence over all connections; the first by default. */
  readonly occurrence?: number;
  /** What becomes of the connection; `reset` by default. */
  readonly cut?: 'reset' | 'blackhole';
}

/**
 * A TCP proxy on 127.0.0.1 that fails as it is told: between the daemon and PostgreSQL or the emulator.
 * TLS passes through it; patterns are of course not found in that.
 *
 * ```
 * await using proxy = await FaultProxy.between(database.url);
 * const pool = openPool({ url: proxy.url(database.url), … });
 * const struck = proxy.swallow('COMMIT\0', 'toClient'); // the answer to COMMIT never comes
 * ```
 */
export class FaultProxy implements AsyncDisposable {
  readonly port: number;
  /** Those under way, the oldest first. */
  readonly connections = new Set<ProxiedConnection>();
  /** Connections accepted so far. */
  accepted = 0;
  private readonly server: Server;
  private readonly weather: Weather;
  private readonly traps = new Set<Trap>();
  private swallowsNew = false;

  private constructor(server: Server, target: Target) {
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    this.weather = {
      latency: 0,
      bandwidth: Infinity,
      inspect: (connection, piece, direction) => this.inspect(connection, piece, direction),
    };
    server.on('connection', (client) => this.accept(client, target));
  }

  static async open(target: Target): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultProxy(server, target);
  }

  /** A proxy before the server of a URL, PostgreSQL's or the emulator's. */
  static async between(url: string): Promise<FaultProxy> {
    const { hostname, port, protocol } = new URL(url);
    const usual = protocol.startsWith('postgres') ? 5432 : 80;
    return FaultProxy.open({ host: hostname, port: port === '' ? usual : Number(port) });
  }

  /** The same URL, by way of the proxy. */
  url(url: string): string {
    const through = new URL(url);
    through.hostname = '127.0.0.1';
    through.port = String(this.port);
    // What was no more than an origin stays one.
    return url.endsWith('/') ? through.href : through.href.replace(/\/$/, '');
  }

  /** Milliseconds that each piece of data waits from now on, either way. */
  set latency(milliseconds: number) {
    this.weather.latency = milliseconds;
  }

  /** Bytes a second of each connection from now on, either way; `Infinity` for no limit. */
  set bandwidth(bytesPerSecond: number) {
    this.weather.bandwidth = bytesPerSecond;
  }

  /** Resets all connections under way. */
  reset(): void {
    for (const connection of this.connections) connection.reset();
  }

  /** The connection that next carries so many bytes more in this direction, with all others, is reset. */
  async resetAfter(bytes: number, direction: Direction): Promise<void> {
    let left = bytes;
    return this.trap(direction, 'reset', (_, piece) => {
      left -= piece.length;
      return left <= 0 ? piece.length + left : -1;
    });
  }

  /**
   * Nothing passes any more, and nothing is closed, by either side's leave. A black hole gives nothing
   * back: `restore()` is for connections to come.
   */
  blackhole({ existing = true, fresh = true }: { existing?: boolean; fresh?: boolean } = {}): void {
    if (existing) for (const connection of this.connections) connection.blackhole();
    this.swallowsNew = fresh;
  }

  /**
   * The next connection over which `pattern` comes loses it and everything after it, then is cut.
   * `COMMIT\0` towards the server is a COMMIT that never comes there, towards the client one whose
   * answer is lost.
   *
   * @returns when that has happened.
   */
  async swallow(pattern: string, direction: Direction, options: SwallowOptions = {}): Promise<void> {
    const wanted = Buffer.from(pattern, 'latin1');
    const tails = new WeakMap<ProxiedConnection, Buffer>();
    let toGo = options.occurrence ?? 1;
    return this.trap(direction, options.cut ?? 'reset', (connection, piece) => {
      const tail = tails.get(connection) ?? Buffer.alloc(0);
      const seen = Buffer.concat([tail, piece]);
      tails.set(connection, seen.subarray(Math.max(0, seen.length - wanted.length + 1)));
      for (let at = seen.indexOf(wanted); at >= 0; at = seen.indexOf(wanted, at + 1)) {
        // What came with an earlier piece has gone already.
        if (--toGo === 0) return Math.max(0, at - tail.length);
      }
      return -1;
    });
  }

  /** Nobody listens any more: ECONNREFUSED for new connections, until `restore()`. */
  async refuse(): Promise<void> {
    if (!this.server.listening) return;
    await new Promise<void>((resolve) => {
      this.server.close();
      // `close` waits for all connections to end; the port is free at once.
      setImmediate(resolve);
    });
  }

  /** New connections are as they should be, traps are taken up; what is dead stays dead. */
  async restore(): Promise<void> {
    this.weather.latency = 0;
    this.weather.bandwidth = Infinity;
    this.swallowsNew = false;
    this.traps.clear();
    if (this.server.listening) return;
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.server.listening) this.server.close();
    this.reset();
    await Promise.all([...this.connections].map(async ({ closed }) => closed));
  }

  private accept(client: Socket, { host, port }: Target): void {
    this.accepted++;
    const server = this.swallowsNew ? undefined : connect({ host, port, allowHalfOpen: true });
    const connection = new ProxiedConnection(client, server, this.weather);
    this.connections.add(connection);
    void connection.closed.then(() => this.connections.delete(connection));
  }

  private async trap(direction: Direction, cut: Trap['cut'], place: Trap['place']): Promise<void> {
    return new Promise((tripped) => this.traps.add({ direction, cut, place, tripped }));
  }

  private inspect(connection: ProxiedConnection, piece: Buffer, direction: Direction): Verdict {
    for (const trap of this.traps) {
      if (trap.direction !== direction) continue;
      const place = trap.place(connection, piece);
      if (place < 0) continue;
      this.traps.delete(trap);
      trap.tripped();
      return { forward: place, cut: trap.cut };
    }
    return { forward: piece.length };
  }
}
