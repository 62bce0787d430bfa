import type { Link } from '../../model/page.ts';
import { isErrorBodyMember, isErrorBesideRows, inStreamErrorOf } from '../http/in-stream-error.ts';

/** Names of links in lower case, with those of OData 4.01: an overlooked link would end a read too early. */
const LINK_NAMES: ReadonlyMap<string, Link['kind']> = new Map([
  ['@odata.nextlink', 'next'],
  ['@nextlink', 'next'],
  ['@odata.deltalink', 'delta'],
  ['@deltalink', 'delta'],
]);

/** Whether an answer has a next link. */
export function hasNextLink(answer: Readonly<Record<string, unknown>>): boolean {
  return hasLink(answer, 'next');
}

/** Whether an answer has a delta link. */
export function hasDeltaLink(answer: Readonly<Record<string, unknown>>): boolean {
  return hasLink(answer, 'delta');
}

function hasLink(answer: Readonly<Record<string, unknown>>, kind: Link['kind']): boolean {
  return Object.entries(answer).some(
    ([name, value]) => value !== null && LINK_NAMES.get(name.toLowerCase()) === kind,
  );
}

// Its value changes with every change of the metadata ("Compose HTTP requests and handle errors").
const METADATA_VERSION = '@Microsoft.Dynamics.CRM.globalmetadataversion';

const PAGING_COOKIE = '@Microsoft.Dynamics.CRM.fetchxmlpagingcookie';
const MORE_RECORDS = '@Microsoft.Dynamics.CRM.morerecords';

/** What an answer to a query in FetchXML says of the page after it. */
export interface FetchPaging {
  readonly cookie?: string;
  readonly more?: boolean;
}

/** The members of a page beside its rows: links, annotations, errors. */
export class PageEnvelope {
  /** The environment's metadata version; undefined if it was not asked for or did not come. */
  metadataVersion: string | undefined;
  /** Of a query in FetchXML; undefined if nothing of it came. */
  paging: FetchPaging | undefined;
  private readonly links = new Map<Link['kind'], string>();
  private readonly errors: [name: string, value: unknown][] = [];

  /** @throws SyntaxError for a link that is not a text, and for two different links of one kind. */
  add(name: string, value: unknown): void {
    const kind = LINK_NAMES.get(name.toLowerCase());
    if (kind !== undefined) this.addLink(kind, value);
    else if (name === METADATA_VERSION && typeof value === 'string') this.metadataVersion = value;
    else if (name === PAGING_COOKIE && typeof value === 'string')
      this.paging = { ...this.paging, cookie: value };
    else if (name === MORE_RECORDS && typeof value === 'boolean')
      this.paging = { ...this.paging, more: value };
    else if (name !== 'value' && isErrorBesideRows(name, value)) this.errors.push([name, value]);
  }

  /** The page's link; null if it has none. A page with both links is not the last one, so its next link counts. */
  get link(): Link | null {
    const [next, delta] = [this.links.get('next'), this.links.get('delta')];
    if (next !== undefined) return { kind: 'next', url: next };
    return delta === undefined ? null : { kind: 'delta', url: delta };
  }

  /**
   * @param hasRows whether the response has a list of rows.
   * @throws InStreamError if one of the members is an error.
   */
  refuseError(hasRows: boolean): void {
    const { errors } = this;
    const isError = hasRows ? errors.length > 0 : errors.some(([name]) => isErrorBodyMember(name));
    if (isError) throw inStreamErrorOf(errors);
  }

  private addLink(kind: Link['kind'], value: unknown): void {
    if (value === null) return;
    const known = this.links.get(kind);
    if (typeof value !== 'string' || value === '' || (known !== undefined && known !== value)) {
      throw new SyntaxError(`The response has no usable ${kind} link.`);
    }
    this.links.set(kind, value);
  }
}
