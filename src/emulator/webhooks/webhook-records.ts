import { createHash, randomUUID } from 'node:crypto';
import type { RowMessage } from '../store/row-listener.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';

/** A record of one of the tables that say which webhooks there are; keyed by property, as the Web API has them. */
export type WebhookRecord = Record<string, string | number | boolean | null>;

/** The entity sets that {@link WebhookRecords} serves. */
export type WebhookSet =
  | 'serviceendpoints'
  | 'sdkmessages'
  | 'sdkmessagefilters'
  | 'sdkmessageprocessingsteps'
  | 'asyncoperations';

/** The messages that can be registered. An environment has hundreds of others. */
const MESSAGES: readonly (RowMessage | 'Associate')[] = ['Create', 'Update', 'Delete', 'Associate'];

/** System jobs that are kept. An environment keeps them until a bulk deletion removes them. */
const MOST_JOBS = 10_000;

/**
 * The service endpoints, processing steps and system jobs of the organization. They are no tables of the model, because
 * nobody mirrors them.
 *
 * Sources: Microsoft, "Register a webhook" and the table references of `serviceendpoint`, `sdkmessageprocessingstep`,
 * `sdkmessagefilter` and `asyncoperation`.
 */
export class WebhookRecords {
  readonly endpoints = new Map<string, WebhookRecord>();
  readonly steps = new Map<string, WebhookRecord>();
  readonly jobs = new Map<string, WebhookRecord>();
  /** The secrets of endpoints, which nobody can read again: header names and values. */
  readonly headers = new Map<string, Readonly<Record<string, string>>>();
  readonly #tables: () => Iterable<TableDefinition>;

  constructor(tables: () => Iterable<TableDefinition>) {
    this.#tables = tables;
  }

  /** The records of an entity set by id. Messages and filters follow from the tables. */
  of(set: WebhookSet): ReadonlyMap<string, WebhookRecord> {
    switch (set) {
      case 'serviceendpoints':
        return this.endpoints;
      case 'sdkmessageprocessingsteps':
        return this.steps;
      case 'asyncoperations':
        return this.jobs;
      case 'sdkmessages':
        return new Map(MESSAGES.map((name) => [idOf(name), { sdkmessageid: idOf(name), name }]));
      case 'sdkmessagefilters':
        return new Map([...this.#tables()].flatMap(filtersOf));
    }
  }

  /** The steps that a change of a row sets off. A disabled step, or one without a filter for the table, does nothing. */
  stepsFor(message: RowMessage, table: string): WebhookRecord[] {
    const filter = idOf(`${message} ${table}`);
    return [...this.steps.values()].filter(
      (step) => step['_sdkmessagefilterid_value'] === filter && step['statecode'] === 0,
    );
  }

  /** Records how a system job ended: 30 is success, 31 is failure. */
  jobEnded(step: WebhookRecord, statuscode: 30 | 31, message: string, at: number): void {
    const asyncoperationid = randomUUID();
    this.jobs.set(asyncoperationid, {
      asyncoperationid,
      name: step['name'] ?? null,
      operationtype: 1,
      statecode: 3,
      statuscode,
      message,
      createdon: new Date(at).toISOString(),
      _owningextensionid_value: step['sdkmessageprocessingstepid'] ?? null,
    });
    const [oldest] = this.jobs.keys();
    if (this.jobs.size > MOST_JOBS && oldest !== undefined) this.jobs.delete(oldest);
  }
}

/** N:N tables have no filters for the messages of rows: their changes are the message Associate. */
function filtersOf({ logicalName, intersects }: TableDefinition): [string, WebhookRecord][] {
  if (intersects !== null) return [];
  return MESSAGES.filter((message) => message !== 'Associate').map((message) => {
    const sdkmessagefilterid = idOf(`${message} ${logicalName}`);
    const filter = {
      sdkmessagefilterid,
      primaryobjecttypecode: logicalName,
      iscustomprocessingstepallowed: true,
    };
    return [sdkmessagefilterid, { ...filter, _sdkmessageid_value: idOf(message) }];
  });
}

/** The id of a built-in record: the same in each run, so that the store's own generator is not touched. */
function idOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
