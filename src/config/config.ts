import type { SignIn } from '../dataverse/sign-in/sign-in.ts';

/** Which attributes of a table are mirrored, by logical names and patterns. */
export interface ColumnConfig {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly hash: readonly string[];
}

export interface TableConfig {
  /** Logical name, or a pattern with `*` and `?`. */
  readonly name: string;
  /** Cron expression, or `adaptive`. */
  readonly schedule: string;
  readonly mode: 'changes' | 'snapshot';
  readonly columns: ColumnConfig;
  readonly softDeletes: boolean;
}

/** What happens by itself when the source's metadata changes. */
export type DriftPolicy = 'apply' | 'ask' | 'refuse';

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
    /** Bytes that a page is to have about. */
    readonly pageBytes: number;
    /** Bytes of pages in memory. */
    readonly memory: number;
    readonly tables: number;
    /** Milliseconds. */
    readonly requestTimeout: number;
  };
  readonly healthPort: number | undefined;
  /** Undefined where labels are off. */
  readonly labels:
    | {
        /** Of the views; undefined for the organization's base language. */
        readonly language: number | undefined;
        /** Of the views with labels; undefined where there are to be none. */
        readonly schema: string | undefined;
      }
    | undefined;
  readonly compatibility: {
    /** Schemas of the views in the shape of other tools. */
    readonly synapseLink: string | undefined;
    readonly fivetran: string | undefined;
  };
  readonly drift: {
    readonly columnAdded: DriftPolicy;
    readonly columnRemoved: DriftPolicy;
    readonly columnRetyped: DriftPolicy;
  };
  /** How much the end of a re-baseline may delete unasked. */
  readonly sweep: { readonly maxShare: number; readonly atLeast: number };
  readonly quarantine: { readonly nul: 'quarantine' | 'replace'; readonly maxShare: number };
  /** Key of the hashed columns. */
  readonly hashKey: string | undefined;
  readonly tables: readonly TableConfig[];
  /** Patterns of tables that no pattern of `tables` brings in. */
  readonly leftOut: readonly string[];
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
