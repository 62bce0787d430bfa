import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export type Direction = 'toServer' | 'toClient';

/** What a proxy does to whatever its connections carry. */
export interface Weather {
  /** Milliseconds each piece of data waits, either way. */
  latency: number;
  /** Bytes a second of each connection, either way. */
  bandwidth: number;
  /** What of a piece is forwarded, and what becomes of the connection then. */
  inspect(connection: ProxiedConnection, piece: Buffer, direction: Direction): Verdict;
}

export interface Verdict {
  /** Bytes of the piece that go on. */
  readonly forward: number;
  /** Absent where it goes on. */
  readonly cut?: 'reset' | 'blackhole';
}

/** Largest piece sent at a time over a slow line. */
const SLOW_PIECE = 8_192;

/** A connection through the proxy. What one side does the other sees, unless that direction is dead. */
export class ProxiedConnection {
  /** Bytes forwarded so far. */
  readonly carried = { toServer: 0, toClient: 0 };
  /** Resolves when neither side is connected any more. */
  readonly closed: Promise<void>;
  private readonly sockets: readonly Socket[];
  private readonly weather: Weather;
  private readonly dead = { toServer: false, toClient: false };
  private close: () => void = () => undefined;

  /** @param server absent for a connection that is swallowed whole. */
  constructor(client: Socket, server: Socket | undefined, weather: Weather) {
    this.weather = weather;
    this.sockets = server === undefined ? [client] : [client, server];
    this.closed = new Promise((resolve) => (this.close = resolve));
    for (const socket of this.sockets) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        if (this.sockets.every(({ destroyed }) => destroyed)) this.close();
      });
    }
    if (server === undefined) return;
    void this.pump(client, server, 'toServer');
    void this.pump(server, client, 'toClient');
  }

  /** Ends it with a reset to both sides. */
  reset(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
    this.close();
  }

  /** From now on nothing passes, and neither side hears that the other one went away. */
  blackhole(): void {
    this.dead.toServer = true;
    this.dead.toClient = true;
  }

  private async pump(from: Socket, to: Socket, direction: Direction): Promise<void> {
    try {
      for await (const piece of from as AsyncIterable<Buffer>) await this.carry(piece, to, direction);
      await this.passable(direction);
      to.end();
    } catch {
      await this.passable(direction);
      to.resetAndDestroy();
    }
  }

  private async carry(piece: Buffer, to: Socket, direction: Direction): Promise<void> {
    await this.passable(direction);
    if (this.weather.latency > 0) await delay(this.weather.latency);
    const { forward, cut } = this.weather.inspect(this, piece, direction);
    await this.send(piece.subarray(0, forward), to, direction);
    if (cut === 'reset') this.reset();
    if (cut === 'blackhole') this.blackhole();
    await this.passable(direction);
  }

  private async send(bytes: Buffer, to: Socket, direction: Direction): Promise<void> {
    for (let start = 0; start < bytes.length;) {
      const { bandwidth } = this.weather;
      const isSlow = Number.isFinite(bandwidth);
      const part = isSlow ? bytes.subarray(start, start + SLOW_PIECE) : bytes.subarray(start);
      if (isSlow) await delay((part.length / bandwidth) * 1_000);
      await this.passable(direction);
      await new Promise<void>((resolve, reject) => {
        to.write(part, (error) => (error ? reject(error) : resolve()));
        // A write that is never taken would never call back.
        void this.closed.then(resolve);
      });
      this.carried[direction] += part.length;
      start += part.length;
    }
  }

  /** Resolves at once where data may pass, else when the connection is at its end. */
  private async passable(direction: Direction): Promise<void> {
    if (this.dead[direction]) await this.closed;
  }
}
