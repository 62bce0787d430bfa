import type { StateFunction } from '../control/state-functions.ts';
import { sql } from '../drizzle.ts';
import { qualifiedName } from '../table/identifier.ts';
import type { StateStore } from '../state/store.ts';

/** A class of advisory locks of its own; every version must use the same. */
const SHARE_LOCK = 730_581_322;

/** What one process may spend of the limits that all processes of an identity share. */
export interface StoredShare {
  readonly requests: number;
  readonly concurrency: number;
  /** Milliseconds. */
  readonly executionTime: number;
}

/** What a process tells of itself, and what it asks for. */
export interface ShareRequest {
  /** A digest. Processes of one identity share its limits. */
  readonly identity: string;
  readonly process: string;
  /** A digest of the tables that a daemon mirrors, whatever its identity is; null for a command. */
  readonly group: string | null;
  /** How much the process needs, from 0 to 1. */
  readonly weight: number;
  /** What it wants from now on. */
  readonly wanted: StoredShare;
  /** The limits of the identity, as this process is configured. */
  readonly limits: StoredShare;
  /** What it has spent, by age: the first number is for the youngest. */
  readonly spentRequests: readonly number[];
  readonly spentTime: readonly number[];
  readonly inFlight: number;
  /** Milliseconds from now until which the environment made this process wait; 0 for not. */
  readonly throttledFor: number;
  /** Milliseconds of the window that the limits are about. */
  readonly window: number;
  /** Milliseconds of a step of age. */
  readonly step: number;
  /** Milliseconds for which the share may be used. */
  readonly validFor: number;
}

/** What a process got, and who shares with it. */
export interface GrantedShare {
  readonly granted: StoredShare;
  /** The processes with a share now, this one included. */
  readonly processes: readonly { readonly process: string; readonly weight: number }[];
  /** The processes of the group that live, this one included, in the order of their names. */
  readonly replicas: readonly string[];
  /** Milliseconds from now for which the environment makes the identity wait. */
  readonly throttledFor: number;
}

/** SQL: what of an array by age is still in the window. The newest of step k may have begun k - 1 steps before. */
function still(ages: string): string {
  return `(SELECT coalesce(sum(a.spent), 0) FROM unnest(s.${ages}) WITH ORDINALITY AS a(spent, k)
       WHERE s.renewed_at - (a.k - 1) * step + span >= at)`;
}

/** SQL: the claim of a process. */
function claim(share: string, ages: string): string {
  return `CASE WHEN s.expires_at > at THEN greatest(s.${share}, ${still(ages)})
          WHEN s.expires_at + span > at
            THEN ${still(ages)} + greatest(0, s.${share} - (SELECT coalesce(sum(a), 0) FROM unnest(s.${ages}) AS a))
          ELSE 0 END`;
}

/**
 * The function by which a process renews its share.
 *
 * A process gets what it asks for as far as the other processes have no claim on it. The claim of a process is its
 * share, or what it has spent within the window if that is more. So a share that becomes smaller frees only what leaves
 * the window, and the sum over all processes stays within the limits in each window.
 *
 * The claim of a process that did not renew its share in time is what it may have spent: all that it told of, and what
 * it could have begun until its share ran out.
 *
 * One statement does it all, because a process that is stopped in the middle of a transaction would keep the lock.
 */
export function shareFunctions(schema: string): readonly StateFunction[] {
  const shares = qualifiedName(schema, 'shares');
  return [
    {
      name: 'renew_share',
      types:
        'text, text, text, double precision, integer[], integer[], integer[], integer[], integer, integer, integer, double precision, integer',
      parameters: `of_identity text, of_process text, of_group text, weight double precision, wanted integer[], limits integer[],
        spent_requests integer[], spent_time integer[], in_flight integer, throttled_ms integer, window_ms integer, step_ms double precision, valid_ms integer`,
      returns:
        'TABLE (name text, need double precision, granted integer[], replicas text[], throttled_for double precision)',
      language: 'plpgsql',
      body: `
#variable_conflict use_column
DECLARE
  at timestamptz;
  span interval := make_interval(secs => renew_share.window_ms / 1000.0);
  -- A step of the arrays by age.
  step interval := make_interval(secs => renew_share.step_ms / 1000.0);
  others record;
  least_limits integer[];
  share integer[];
BEGIN
  PERFORM pg_advisory_xact_lock(${SHARE_LOCK}, hashtext(renew_share.of_identity));
  at := clock_timestamp();
  DELETE FROM ${shares} s WHERE s.expires_at + greatest(span, interval '1 hour') < at;
  SELECT coalesce(sum(${claim('requests', 'spent_requests')}), 0) AS requests,
         coalesce(sum(CASE WHEN s.expires_at > at THEN greatest(s.concurrency, s.in_flight) END), 0) AS concurrency,
         coalesce(sum(${claim('execution_time', 'spent_time')}), 0) AS execution_time,
         min(s.limits[1]) FILTER (WHERE s.expires_at > at) AS limit_requests,
         min(s.limits[2]) FILTER (WHERE s.expires_at > at) AS limit_concurrency,
         min(s.limits[3]) FILTER (WHERE s.expires_at > at) AS limit_execution_time
    INTO others
    FROM ${shares} s WHERE s.identity = renew_share.of_identity AND s.process <> renew_share.of_process;
  -- Processes with different settings keep to the smaller ones.
  least_limits := ARRAY[least(renew_share.limits[1], others.limit_requests),
                        least(renew_share.limits[2], others.limit_concurrency),
                        least(renew_share.limits[3], others.limit_execution_time)];
  share := ARRAY[greatest(0, least(renew_share.wanted[1], least_limits[1] - others.requests)),
                 greatest(0, least(renew_share.wanted[2], least_limits[2] - others.concurrency)),
                 greatest(0, least(renew_share.wanted[3], least_limits[3] - others.execution_time))];
  INSERT INTO ${shares} AS s (identity, process, replica_group, weight, limits, requests, concurrency, execution_time,
                              spent_requests, spent_time, in_flight, renewed_at, expires_at, throttled_until)
  VALUES (renew_share.of_identity, renew_share.of_process, renew_share.of_group, renew_share.weight, renew_share.limits, share[1], share[2], share[3],
          renew_share.spent_requests, renew_share.spent_time, renew_share.in_flight, at,
          at + make_interval(secs => renew_share.valid_ms / 1000.0),
          CASE WHEN renew_share.throttled_ms > 0 THEN at + make_interval(secs => renew_share.throttled_ms / 1000.0) END)
  ON CONFLICT (identity, process) DO UPDATE
     SET replica_group = excluded.replica_group, weight = excluded.weight, limits = excluded.limits, requests = excluded.requests,
         concurrency = excluded.concurrency, execution_time = excluded.execution_time,
         spent_requests = excluded.spent_requests, spent_time = excluded.spent_time, in_flight = excluded.in_flight,
         renewed_at = excluded.renewed_at, expires_at = excluded.expires_at, throttled_until = excluded.throttled_until;
  RETURN QUERY
    SELECT s.process, s.weight, share,
           (SELECT array_agg(DISTINCT t.process ORDER BY t.process)
              FROM ${shares} t WHERE t.replica_group = renew_share.of_group AND t.expires_at > at),
           (SELECT greatest(0, extract(epoch FROM max(t.throttled_until) - at) * 1000)::double precision
              FROM ${shares} t WHERE t.identity = renew_share.of_identity)
      FROM ${shares} s WHERE s.identity = renew_share.of_identity AND s.expires_at > at;
END
`,
    },
  ];
}

type RenewedRow = {
  readonly name: string;
  readonly need: number;
  readonly granted: number[];
  readonly replicas: string[] | null;
  readonly throttled_for: number | null;
};

/** Renews the share of a process, or gives it one. @throws Failure */
export async function renewShare(store: StateStore, request: ShareRequest): Promise<GrantedShare> {
  const { identity, process, group, weight, wanted, limits, window, step, validFor } = request;
  const { rows } = await store.statement(async (db) =>
    db.execute<RenewedRow>(
      sql`SELECT * FROM ${sql.raw(qualifiedName(store.schema, 'renew_share'))}(${identity}, ${process}, ${group}, ${weight},
            ${three(wanted)}::integer[], ${three(limits)}::integer[], ${numbers(request.spentRequests)}::integer[],
            ${numbers(request.spentTime)}::integer[], ${request.inFlight}::integer, ${Math.ceil(request.throttledFor)}::integer,
            ${window}::integer, ${step}::float8, ${validFor}::integer)`,
    ),
  );
  const [requests = 0, concurrency = 0, executionTime = 0] = rows[0]?.granted ?? [];
  return {
    granted: { requests, concurrency, executionTime },
    processes: rows.map(({ name, need }) => ({ process: name, weight: need })),
    replicas: rows[0]?.replicas ?? [],
    throttledFor: rows[0]?.throttled_for ?? 0,
  };
}

/** A share in the order of the function. */
function three({ requests, concurrency, executionTime }: StoredShare): string {
  return numbers([requests, concurrency, executionTime]);
}

/** Numbers as an array of PostgreSQL. */
function numbers(values: readonly number[]): string {
  return `{${values.map((value) => Math.round(value)).join(',')}}`;
}
