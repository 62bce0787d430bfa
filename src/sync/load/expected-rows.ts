import { readRecordCounts } from '../../dataverse/feed/record-count.ts';
import type { DataverseClient } from '../../dataverse/http/client.ts';

/** Milliseconds that a first question waits for those of other tables. */
const TOGETHER = 50;

interface Question {
  readonly table: string;
  readonly answer: (rows: number | null) => void;
}

/**
 * Asks the environment how many rows a load will bring. Tables that are asked for at about the same time share a
 * request, as many as begin to load together do. A count is not worth a failure: without one, a load tells only how
 * many rows it has stored.
 */
export class ExpectedRows {
  private readonly client: DataverseClient;
  private waiting: Question[] = [];
  private isAsking = false;

  constructor(client: DataverseClient) {
    this.client = client;
  }

  /** Rows of a table by a count that may be a day old; null if the environment does not give one. */
  async of(table: string, signal: AbortSignal): Promise<number | null> {
    return new Promise((answer) => {
      this.waiting.push({ table, answer });
      if (!this.isAsking) void this.askAll(signal);
    });
  }

  private async askAll(signal: AbortSignal): Promise<void> {
    this.isAsking = true;
    while (this.waiting.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, TOGETHER));
      const questions = this.waiting;
      this.waiting = [];
      const counts = await this.ask([...new Set(questions.map(({ table }) => table))], signal);
      for (const { table, answer } of questions) answer(counts.get(table) ?? null);
    }
    this.isAsking = false;
  }

  private async ask(tables: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const read = async (names: readonly string[]): Promise<ReadonlyMap<string, number>> =>
      readRecordCounts(this.client, names, signal).catch(() => new Map<string, number>());
    const counts = await read(tables);
    if (counts.size > 0 || tables.length === 1) return counts;
    // One table that the environment cannot count has refused the request for all of them.
    const each = await Promise.all(tables.map(async (table) => read([table])));
    return new Map(each.flatMap((found) => [...found]));
  }
}
