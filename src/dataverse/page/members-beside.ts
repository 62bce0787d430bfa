import type { Link } from '../../model/page.ts';
import { isErrorBody, tellsBesideRows, toldBy } from '../http/told-failure.ts';

/** In lower case, and as OData 4.01 calls them: a link that is overlooked ends a read too early. */
const LINK_NAMES: ReadonlyMap<string, Link['kind']> = new Map([
  ['@odata.nextlink', 'next'],
  ['@nextlink', 'next'],
  ['@odata.deltalink', 'delta'],
  ['@deltalink', 'delta'],
]);

/** Whether an answer has more elsewhere. */
export function goesOn(answer: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(answer).some(
    ([name, value]) => value !== null && LINK_NAMES.get(name.toLowerCase()) === 'next',
  );
}

// "Compose HTTP requests and handle errors": its value changes with every change of the metadata.
const METADATA_VERSION = '@Microsoft.Dynamics.CRM.globalmetadataversion';

/** What a page says beside its rows. */
export class MembersBeside {
  /** The environment's metadata version, where it was asked for and came. */
  metadataVersion: string | undefined;
  private readonly links = new Map<Link['kind'], string>();
  private readonly told: [name: string, value: unknown][] = [];

  /** @throws SyntaxError for a link that is no text, and for two of a kind that lead to different places. */
  add(name: string, value: unknown): void {
    const kind = LINK_NAMES.get(name.toLowerCase());
    if (kind !== undefined) this.addLink(kind, value);
    else if (name === METADATA_VERSION && typeof value === 'string') this.metadataVersion = value;
    else if (name !== 'value' && tellsBesideRows(name, value)) this.told.push([name, value]);
  }

  /** Of a page with both links the next one: it is not the last page. Null where the page named none. */
  get link(): Link | null {
    const [next, delta] = [this.links.get('next'), this.links.get('delta')];
    if (next !== undefined) return { kind: 'next', url: next };
    return delta === undefined ? null : { kind: 'delta', url: delta };
  }

  /**
   * @param hasRows whether the response is a page otherwise.
   * @throws ToldFailure where the members tell of one.
   */
  refuseFailure(hasRows: boolean): void {
    const { told } = this;
    if (hasRows ? told.length > 0 : told.some(([name]) => isErrorBody(name))) throw toldBy(told);
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
