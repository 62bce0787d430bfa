import type { SignIn } from '../dataverse/sign-in.ts';

export interface TableConfig {
  readonly name: string;
  readonly cron: string;
  readonly excludeColumns: readonly string[];
  readonly softDeletes: boolean;
}

/** The configuration in force: checked, complete and frozen. */
export interface Config {
  /** Absent only where the command does not need it and nothing gives it. */
  readonly dataverse: { readonly url: string; readonly signIn: SignIn } | undefined;
  /** `url` may be `embedded`. */
  readonly postgres: { readonly url: string } | undefined;
  readonly schema: string;
  readonly stateSchema: string;
  /** Milliseconds. */
  readonly lease: number;
  readonly limits: {
    readonly requestsPer5Minutes: number;
    readonly concurrency: number;
    readonly pageSize: number;
    readonly tables: number;
    /** Milliseconds. */
    readonly requestTimeout: number;
  };
  readonly healthPort: number | undefined;
  readonly tables: readonly TableConfig[];
}

/** One thing to change, named by its key or variable. */
export interface ConfigProblem {
  readonly key: string;
  readonly message: string;
}

/** The configuration is wrong; it carries every problem, not only the first. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ key, message }) => `${key}: ${message}`).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
