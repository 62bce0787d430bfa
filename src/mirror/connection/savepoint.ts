import type { ClientBase } from 'pg';

/**
 * Runs `work` inside a savepoint and takes back what it did when it fails as expected.
 *
 * @returns that error; any other one is thrown.
 */
export async function inSavepoint<E>(
  client: ClientBase,
  work: () => Promise<void>,
  isExpected: (error: unknown) => error is E,
): Promise<E | undefined> {
  await client.query('SAVEPOINT work');
  try {
    await work();
    await client.query('RELEASE SAVEPOINT work');
    return undefined;
  } catch (error) {
    if (!isExpected(error)) throw error;
    // Rolled back to, a savepoint stays open: without its release each failure would nest one deeper.
    await client.query('ROLLBACK TO SAVEPOINT work; RELEASE SAVEPOINT work');
    return error;
  }
}
