import { freshDatabase, type TestDatabase } from '../database.ts';
import { clearJournal, watchMirror } from '../mirror-journal.ts';

/**
 * Databases for scenarios that are run one after another. They share one, until a scenario fails or is
 * not waited for any longer: what is still at work there is not to meddle with those that follow.
 */
export class ScenarioDatabases implements AsyncDisposable {
  private free: TestDatabase | undefined;
  private readonly made: TestDatabase[] = [];

  /** @returns what `run` does: what went wrong, nothing when all went well. */
  async use(run: (database: TestDatabase) => Promise<string[]>): Promise<string[]> {
    const database = this.free ?? (await this.make());
    this.free = undefined;
    const problems = await run(database);
    if (problems.length === 0) this.free = database;
    else await database.drop();
    return problems;
  }

  private async make(): Promise<TestDatabase> {
    const database = await freshDatabase();
    this.made.push(database);
    await watchMirror(database);
    return database;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.made.map(async (database) => database.drop()));
  }
}

interface LeftTable {
  readonly schema: string;
  readonly name: string;
}

function isState({ schema, name }: LeftTable): boolean {
  return schema === 'mirrorverse' && !/^(seen|outside|verify|suspects)_/.test(name);
}

function namesOf(tables: readonly LeftTable[]): string {
  return tables.map(({ schema, name }) => `${schema}."${name}"`).join(', ');
}

/** Removes what an earlier scenario left behind. The state schema itself stays. */
export async function emptyScenarioDatabase(database: TestDatabase): Promise<void> {
  const left = await database.query<LeftTable>(
    `SELECT schemaname AS schema, tablename AS name FROM pg_tables
      WHERE schemaname IN ('dataverse', 'dataverse_history') OR (schemaname = 'mirrorverse' AND tablename NOT LIKE '%migrations%')`,
  );
  const dropped = namesOf(left.filter((table) => !isState(table)));
  const emptied = namesOf(left.filter(isState));
  if (dropped !== '') await database.query(`DROP TABLE ${dropped} CASCADE`);
  if (emptied !== '') await database.query(`TRUNCATE ${emptied}`);
  await clearJournal(database);
}
