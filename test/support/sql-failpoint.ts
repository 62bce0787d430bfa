import { randomBytes } from 'node:crypto';
import type { TestDatabase } from './database.ts';

export interface FailpointOptions {
  /** Schema and table, as SQL: `mirrorverse.tables`, `dataverse."account"`. */
  readonly table: string;
  readonly sqlstate: string;
  readonly on?: 'INSERT' | 'UPDATE' | 'DELETE' | 'INSERT OR UPDATE OR DELETE';
  /** What is counted; rows by default. */
  readonly each?: 'ROW' | 'STATEMENT';
  /** Raised at this one first; 1 by default. */
  readonly at?: number;
  /** And so many times in all, one after the other; 1 by default, `Infinity` until it is removed. */
  readonly times?: number;
}

export interface Failpoint extends AsyncDisposable {
  /** How often it was come by, failed ones included. */
  passed(): Promise<number>;
  remove(): Promise<void>;
}

/**
 * A trigger that raises an SQLSTATE at the n-th statement or row. It counts with a sequence, which a
 * rollback does not set back.
 */
export async function sqlFailpoint(database: TestDatabase, options: FailpointOptions): Promise<Failpoint> {
  const { table, sqlstate, on = 'INSERT OR UPDATE', each = 'ROW', at = 1, times = 1 } = options;
  const name = `failpoint_${randomBytes(4).toString('hex')}`;
  const last = Number.isFinite(times) ? at + times - 1 : Number.MAX_SAFE_INTEGER;
  await database.query(`CREATE SEQUENCE public.${name}`);
  // With its owner's rights, so that whoever may write the table may come by.
  await database.query(`
    CREATE FUNCTION public.${name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $body$
    DECLARE n bigint := nextval('public.${name}');
    BEGIN
      IF n BETWEEN ${at} AND ${last} THEN
        RAISE EXCEPTION 'failpoint' USING ERRCODE = '${sqlstate}';
      END IF;
      IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
      RETURN NEW;
    END $body$`);
  await database.query(
    `CREATE TRIGGER ${name} BEFORE ${on} ON ${table} FOR EACH ${each} EXECUTE FUNCTION public.${name}()`,
  );
  const remove = async (): Promise<void> => {
    await database.query(`DROP FUNCTION IF EXISTS public.${name}() CASCADE`);
    await database.query(`DROP SEQUENCE IF EXISTS public.${name}`);
  };
  return {
    async passed() {
      const [row] = await database.query<{ passed: number }>(
        `SELECT CASE WHEN is_called THEN last_value ELSE 0 END::integer AS passed FROM public.${name}`,
      );
      return row?.passed ?? 0;
    },
    remove,
    [Symbol.asyncDispose]: remove,
  };
}
