import { describe, expect, it } from 'vitest';
import { parseExactJson } from '../../src/emulator/metadata/exact-json.ts';
import { EmulatedApi } from '../support/emulated-api.ts';
import { RECORDED, recordedDocument, recordedTable } from '../support/recorded.ts';

type Members = Readonly<Record<string, unknown>>;

/** Derived types whose option sets were recorded. */
const WITH_OPTIONS = ['Picklist', 'MultiSelectPicklist', 'State', 'Status', 'Boolean', 'EntityName'];
/** What a request for the definition alone does not bring. */
const ELSEWHERE = ['@odata.context', 'Attributes', 'OptionSet', 'GlobalOptionSet'];

function without(members: Members, names: readonly string[]): Members {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name)));
}

/** Of the served members those that were recorded: newer environments have more. */
function asRecorded(served: unknown, recorded: unknown): unknown {
  if (Array.isArray(served) && Array.isArray(recorded)) {
    return served.map((each, index) => asRecorded(each, recorded[index]));
  }
  if (!isMembers(served) || !isMembers(recorded)) return served;
  const entries = Object.entries(served).filter(([name]) => name in recorded);
  return Object.fromEntries(entries.map(([name, value]) => [name, asRecorded(value, recorded[name])]));
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function byName(attributes: readonly Members[]): Map<unknown, Members> {
  return new Map(attributes.map((attribute) => [attribute['LogicalName'], attribute]));
}

/** The recorded option sets by column, whether they lie within the attributes or beside the definition. */
function recordedSets(document: Members, attributes: readonly Members[]): Map<unknown, unknown> {
  const beside = Object.entries(document)
    .filter(([name]) => name.endsWith('OptionSetAttribute'))
    .flatMap(([, body]) => (body as { value: Members[] } | null)?.value ?? []);
  return new Map(
    [...attributes, ...beside]
      .filter((attribute) => isMembers(attribute['OptionSet']))
      .map((attribute) => [attribute['LogicalName'], attribute['OptionSet']]),
  );
}

describe('a recorded definition', () => {
  it.each(RECORDED)('a recorded definition comes back as it was: %s', async (name) => {
    const document = recordedDocument(name) as Members;
    const live = (document['EntityMetadata'] ?? document) as Members;
    const attributes = live['Attributes'] as Members[];
    const table = recordedTable(name);
    await using api = await EmulatedApi.open({ tables: [table] });
    async function get(path: string): Promise<Members> {
      const answer = await api.get(`EntityDefinitions(LogicalName='${table.logicalName}')${path}`);
      expect(answer.status).toBe(200);
      return parseExactJson(answer.text) as Members;
    }

    const recorded = without(live, ELSEWHERE);
    expect(asRecorded(await get(''), recorded)).toEqual(recorded);

    const served = byName((await get('/Attributes'))['value'] as Members[]);
    const expected = byName(attributes.map((attribute) => without(attribute, ELSEWHERE)));
    expect([...served.keys()]).toEqual([...expected.keys()]);
    for (const [column, members] of expected) {
      expect(asRecorded(served.get(column), members)).toEqual(members);
    }

    const servedSets = new Map<unknown, unknown>();
    for (const type of WITH_OPTIONS) {
      const cast = `/Attributes/Microsoft.Dynamics.CRM.${type}AttributeMetadata`;
      const { value } = await get(`${cast}?$select=LogicalName&$expand=OptionSet,GlobalOptionSet`);
      for (const { LogicalName, OptionSet, GlobalOptionSet } of value as Members[]) {
        if (OptionSet === null) continue;
        servedSets.set(LogicalName, OptionSet);
        const isGlobal = (OptionSet as Members)['IsGlobal'] === true;
        expect(GlobalOptionSet).toEqual(isGlobal ? OptionSet : null);
      }
    }
    const sets = recordedSets(document, attributes);
    expect(new Set(servedSets.keys())).toEqual(new Set(sets.keys()));
    for (const [column, set] of sets) expect(asRecorded(servedSets.get(column), set)).toEqual(set);
  });
});
