import type { ProxySettings } from '../dataverse/network/proxy-settings.ts';
import type { LogLevel } from './log-settings.ts';
import type { IdentitySignIn, SignIn } from '../dataverse/sign-in/sign-in-methods.ts';
import type { RowFilter } from '../model/table.ts';
import type { FileWishes } from '../model/files/file-place.ts';
import type { Webhook } from '../model/webhook.ts';

/** Which attributes of a table are mirrored, by logical names and patterns. */
export interface ColumnConfig {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly hash: readonly string[];
  /** Columns whose bodies are fetched, by logical names and patterns; absent: none. */
  readonly files?: readonly string[];
}

export interface TableConfig {
  /** Logical name, or a pattern with `*` and `?`. */
  readonly name: string;
  /** Cron expression, or `adaptive`. */
  readonly schedule: string;
  readonly mode: 'changes' | 'snapshot';
  readonly columns: ColumnConfig;
  /** Which rows are mirrored; absent: all. */
  readonly rows?: RowFilter;
  readonly softDeletes: boolean;
  /** The lookups of the mirror table have indexes. */
  readonly indexesLookups: boolean;
  /** What the change log has of the table: nothing, its changes, or also the rows of its loads. */
  readonly feed: 'off' | 'marker' | 'rows';
  /** The history of the table; absent if it has none. `keep`: milliseconds, absent for ever. */
  readonly history?: { readonly keep?: number };
  /** How many partitions the mirror table has, by hash of its key; absent if it has none. */
  readonly partitions?: number;
}

/** How to get the token that serves as the password in PostgreSQL. */
export interface EntraConfig {
  readonly signIn: IdentitySignIn;
  /** The address that the token is for. */
  readonly resource: string;
}

/** What happens when the metadata of the source changes. */
export type DriftPolicy = 'apply' | 'ask' | 'refuse';

/** The configuration in force: checked, complete and frozen. */
export interface Config {
  /** Undefined only if the command does not need it and nothing sets it. */
  readonly dataverse:
    | { readonly url: string; readonly apiVersion?: string | undefined; readonly signIn: SignIn }
    | undefined;
  /** The proxy for the environment and for Entra ID. */
  readonly proxy: ProxySettings | undefined;
  /** `url` may be `embedded`. `urlFile` is the file that has it. */
  readonly postgres:
    | { readonly url: string; readonly urlFile?: string; readonly entra?: EntraConfig }
    | undefined;
  readonly schema: string;
  readonly stateSchema: string;
  /** The mirror tables are distributed over the nodes of a Citus cluster; absent if they are not. */
  readonly distribution?: 'citus';
  /** Milliseconds. */
  readonly lease: number;
  readonly limits: {
    readonly requestsPer5Minutes: number;
    /** Undefined for no limit. */
    readonly requestsPerDay: number | undefined;
    readonly concurrency: number;
    readonly pageSize: number;
    /** Bytes of a page, about. */
    readonly pageBytes: number;
    /** Bytes of pages in memory. */
    readonly memory: number;
    readonly tables: number;
    /** Milliseconds. */
    readonly requestTimeout: number;
  };
  /** Where the daemon answers HTTP; without a port it does not. */
  readonly health: { readonly host: string; readonly port: number | undefined };
  /** Lets its bearer pause, resume, resync and verify tables over HTTP; undefined if nobody may. */
  readonly apiToken: string | undefined;
  /** Undefined if labels are off. */
  readonly labels:
    | {
        /** Language of the views; undefined for the organization's base language. */
        readonly language: number | undefined;
        /** Schema of the views with labels; undefined for no views. */
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
  /** How many rows a sweep may delete without a yes. */
  readonly sweep: { readonly maxShare: number; readonly atLeast: number };
  readonly quarantine: { readonly nul: 'quarantine' | 'replace'; readonly maxShare: number };
  /** How the daemon verifies in the background; undefined if it does not. Times in milliseconds. */
  readonly verify:
    | {
        readonly every: number;
        /** From 0 to 1. */
        readonly share: number;
        readonly values: number | undefined;
        readonly repair: 'off' | 'report' | 'repair';
      }
    | undefined;
  /** How long the change log keeps changes, in milliseconds; undefined if no table has one. */
  readonly feed: { readonly keep: number } | undefined;
  /** The tables whose audit rows have details, and the share of the API's limits for them, from 0 to 1. */
  readonly audit: { readonly details: readonly string[]; readonly share: number } | undefined;
  readonly webhooks: readonly Webhook[];
  /** How nudges come in: webhooks of the environment that tell of a change. */
  readonly nudge: {
    readonly host: string;
    /** Undefined if this process takes no nudges by HTTP. */
    readonly port: number | undefined;
    /** The public address of the port. */
    readonly url: string | undefined;
    /** Tells what `nudge register` has made for this mirror from what it has made for others; by default the schema. */
    readonly name: string | undefined;
    /** What the environment sends along with each nudge; undefined if nothing sets it. */
    readonly secret: string | undefined;
    /** The queue of Azure Service Bus that brings nudges; undefined if there is none. */
    readonly queue: { readonly name: string; readonly connection: string } | undefined;
  };
  /** How bodies of files are fetched and kept; undefined if no table wants any. */
  readonly files: FileWishes | undefined;
  readonly logLevel: LogLevel;
  /** Whether the daemon looks at the file by itself, or reads it anew only when a signal says so. */
  readonly reload: 'watch' | 'signal';
  /** Key of the hashed columns. */
  readonly hashKey: string | undefined;
  readonly tables: readonly TableConfig[];
  /** Patterns of tables to leave out, although a pattern of `tables` fits. */
  readonly leftOut: readonly string[];
}

/** One thing to change, named by its key or variable. */
export interface ConfigProblem {
  readonly key: string;
  readonly message: string;
  /** What the user probably meant. */
  readonly meant?: string;
  /** Where the key stands in the file; absent if a variable gave the value, or if the key is missing. */
  readonly line?: number;
  readonly column?: number;
  /** The steps to the key, if one of them has a dot in its name. */
  readonly path?: readonly string[];
  /** The name of the table whose settings have the key, because the place in the list tells a person nothing. */
  readonly table?: string;
  /** Nothing gives a value that is necessary. */
  readonly isMissing?: true;
  /** The value names a variable that is not set, so nothing else can be said of the value. */
  readonly isUnset?: true;
}

/** A problem in one sentence. */
export function describeProblem({ key, message, meant, line, column, table }: ConfigProblem): string {
  const place = line === undefined ? '' : ` (line ${line}, column ${column})`;
  const owner = table === undefined ? '' : ` of table ${table}`;
  return `${key}${owner}: ${message}${place}${meant === undefined ? '' : `. Did you mean ${meant}?`}`;
}

/** How many problems there are, in words. */
export function countOf({ length }: readonly ConfigProblem[]): string {
  return length === 1 ? '1 problem' : `${length} problems`;
}

/** The configuration is wrong. The error has every problem, not only the first. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];
  /** What helps against all problems at once. */
  readonly remedy: string | undefined;

  constructor(problems: readonly ConfigProblem[], remedy?: string) {
    super(problems.map(describeProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
    this.remedy = remedy;
  }
}
