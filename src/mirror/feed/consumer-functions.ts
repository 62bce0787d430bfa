import type { StateFunction } from '../control/state-functions.ts';
import { qualifiedName } from '../table/identifier.ts';

/** The SQLSTATEs that the functions for consumers raise. No SQLSTATE of PostgreSQL begins with M. */
export const CONSUMER_STATES = {
  /** The log no longer has changes that the consumer has not acknowledged. */
  leftBehind: 'MV005',
  /** No consumer of that name has read yet. */
  unknownConsumer: 'MV006',
  /** The log has no change with that position, or a transaction before it has not ended yet. */
  unknownPosition: 'MV007',
  /** No environment is mirrored into that schema. */
  unknownEnvironment: 'MV001',
} as const;

/**
 * SQL: whether a change of the log `c` may be read. Every transaction with a lower number has ended, so no change can
 * come to stand before it any more.
 */
const IS_SETTLED = 'c.xact < pg_snapshot_xmin(pg_current_snapshot())';

/**
 * The functions by which consumers read the change log.
 *
 * The order is the number of the transaction and then the position. By the position alone, a consumer would pass over
 * the changes of a transaction that took its positions early and committed late.
 */
export function consumerFunctions(schema: string): readonly StateFunction[] {
  const state = (name: string): string => qualifiedName(schema, name);
  const { leftBehind, unknownConsumer, unknownPosition, unknownEnvironment } = CONSUMER_STATES;
  return [
    {
      name: 'read_changes',
      types: 'text, integer, text',
      parameters: 'consumer text, max_rows integer, mirror_schema text DEFAULT NULL',
      returns: `SETOF ${state('changes')}`,
      language: 'plpgsql',
      body: `
#variable_conflict use_column
DECLARE
  environment integer;
  acked record;
BEGIN
  IF read_changes.mirror_schema IS NOT NULL THEN
    SELECT e.id INTO environment FROM ${state('environments')} e WHERE e.mirror_schema = read_changes.mirror_schema;
    IF environment IS NULL THEN
      RAISE EXCEPTION USING ERRCODE = '${unknownEnvironment}',
        MESSAGE = format('No environment is mirrored into schema %s.', read_changes.mirror_schema);
    END IF;
  END IF;
  SELECT k.xact, k.position INTO acked FROM ${state('consumers')} k WHERE k.consumer = read_changes.consumer;
  IF NOT FOUND THEN
    -- A new consumer begins with the first change that the log still has.
    INSERT INTO ${state('consumers')} (consumer, xact, position)
    SELECT read_changes.consumer, coalesce((array_agg(d.xact ORDER BY d.xact DESC, d.position DESC))[1], '0'),
           coalesce((array_agg(d.position ORDER BY d.xact DESC, d.position DESC))[1], 0)
      FROM ${state('dropped_changes')} d
        ON CONFLICT DO NOTHING;
    SELECT k.xact, k.position INTO acked FROM ${state('consumers')} k WHERE k.consumer = read_changes.consumer;
  END IF;
  RETURN QUERY
    SELECT c.* FROM ${state('changes')} c
     WHERE (c.xact, c.position) > (acked.xact, acked.position) AND ${IS_SETTLED}
       AND (environment IS NULL OR c.environment_id = environment)
     ORDER BY c.xact, c.position LIMIT greatest(read_changes.max_rows, 0);
  -- This comes last: a partition that was dropped during the read is then on record.
  IF EXISTS (SELECT FROM ${state('dropped_changes')} d WHERE (d.xact, d.position) > (acked.xact, acked.position)
                AND (environment IS NULL OR d.environment_id = environment)) THEN
    RAISE EXCEPTION USING ERRCODE = '${leftBehind}',
      MESSAGE = format('Consumer %s was away for longer than the change log is kept: changes that it has not acknowledged are gone.', read_changes.consumer),
      HINT = format('Call ${state('forget_consumer').replaceAll('%', '%%').replaceAll("'", "''")}(%L), take the tables as they are now, and then read on from the beginning of the log. A larger feed.keep keeps changes for longer.', read_changes.consumer);
  END IF;
END
`,
    },
    {
      name: 'ack',
      types: 'text, bigint',
      parameters: 'consumer text, "position" bigint',
      returns: 'void',
      language: 'plpgsql',
      body: `
#variable_conflict use_column
DECLARE
  acked record;
  reached xid8;
BEGIN
  SELECT k.xact, k.position INTO acked FROM ${state('consumers')} k WHERE k.consumer = ack.consumer FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = '${unknownConsumer}',
      MESSAGE = format('No consumer %s has read changes yet.', ack.consumer),
      HINT = 'The first call of read_changes makes a consumer.';
  END IF;
  -- The same position may be acknowledged again, for instance if the answer to the first call was lost.
  IF acked.position = ack.position THEN RETURN; END IF;
  -- What is acknowledged was read a moment ago, so the index soon comes to it.
  SELECT c.xact INTO reached FROM ${state('changes')} c
   WHERE (c.xact, c.position) > (acked.xact, acked.position) AND c.position = ack.position AND ${IS_SETTLED}
   ORDER BY c.xact, c.position LIMIT 1;
  IF reached IS NOT NULL THEN
    UPDATE ${state('consumers')} k SET xact = reached, position = ack.position, acked_at = now() WHERE k.consumer = ack.consumer;
  ELSIF NOT EXISTS (SELECT FROM ${state('changes')} c
                     WHERE (c.xact, c.position) < (acked.xact, acked.position) AND c.position = ack.position) THEN
    RAISE EXCEPTION USING ERRCODE = '${unknownPosition}',
      MESSAGE = format('The change log has no change with position %s that may be acknowledged.', ack.position),
      HINT = 'Acknowledge the position of a change that read_changes has returned.';
  END IF;
END
`,
    },
    {
      name: 'forget_consumer',
      types: 'text',
      parameters: 'consumer text',
      returns: 'boolean',
      language: 'plpgsql',
      body: `
#variable_conflict use_column
BEGIN
  DELETE FROM ${state('consumers')} k WHERE k.consumer = forget_consumer.consumer;
  RETURN FOUND;
END
`,
    },
  ];
}
