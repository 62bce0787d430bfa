import type { QuarantineEntry } from '../../mirror/quarantine/quarantined-rows.ts';
import type { RecordedDifference, VerifyMethod } from '../../mirror/verify/verify-records.ts';
import { readableNumber, readableSpan, readableTime } from '../../model/readable-figures.ts';
import { Html, markup, prose } from '../status-page/markup.ts';
import { proofNotes, proofResult, proofSentence, type TableProof } from './table-proof.ts';

/** What was compared with what, by whom and when. There is no secret among these facts. */
export interface ReportFacts {
  readonly method: VerifyMethod;
  /** Differences were to be repaired. */
  readonly repairs: boolean;
  readonly url: string;
  readonly organizationId: string;
  /** Server and name of the database. */
  readonly database: string;
  readonly schema: string;
  readonly begun: Date;
  readonly ended: Date;
  readonly version: string;
}

/** What the report reads while it is written, so that memory stays bounded whatever was found. */
export interface ReportSources {
  readonly differences: (table: string) => AsyncIterable<RecordedDifference>;
  readonly quarantined: (table: string) => Promise<readonly QuarantineEntry[]>;
}

const METHODS: Readonly<Record<VerifyMethod, { readonly name: string; readonly finds: string }>> = {
  sweep: {
    name: 'Keys and versions (sweep)',
    finds:
      'Key and row version of every row were read from the environment and compared with the mirror. This finds every row that is missing in the mirror, every extra row that the environment does not have, and every stale row, which has another version in the mirror. It does not find a wrong value in a row of the right version; the method “values” finds it.',
  },
  values: {
    name: 'Values',
    finds:
      'Every mirrored value of every row was read from the environment and compared with the mirror, beside key and row version. This finds every missing, extra and stale row, and every row of the right version that has other values. Columns that the configuration leaves out are not in the mirror and are not compared. Hashed columns are compared by their hash. Calculated, rollup and formula columns change without a new row version, so they are never called a difference.',
  },
};

const BOTH =
  'A row is called different only after a further delta and a second look at the mirror and at the environment. A row that changed at every look is unsettled: nothing is proven of it. Rows that the identity may not read are not compared. Rows in quarantine could not be stored; they are known differences, and are listed apart.';

/** Rows of a table that are written at once. */
const CHUNK = 200;

/** The page that `verify --report` writes, piece by piece: HTML without a script and without other files. */
export async function* proofReport(
  facts: ReportFacts,
  proofs: readonly TableProof[],
  sources: ReportSources,
): AsyncGenerator<string> {
  yield head(facts, proofs).text;
  yield '<section aria-labelledby="differences"><h2 id="differences">Differences</h2>\n';
  const differing = proofs.filter(({ total }) => total > 0);
  if (differing.length === 0) yield '<p>There are none.</p>\n';
  for (const proof of differing) {
    const caption = markup`${proof.table}: ${proofResult(proof)}`;
    yield `<table><caption>${caption.text}</caption>${headings('Key', 'Kind', 'Columns', 'State')}<tbody>\n`;
    yield* chunks(sources.differences(proof.table), differenceRow);
    yield '</tbody></table>\n';
  }
  yield '</section>\n<section aria-labelledby="quarantine"><h2 id="quarantine">Rows in quarantine</h2>\n';
  let hasNone = true;
  for (const { table } of proofs) {
    const entries = await sources.quarantined(table);
    if (entries.length === 0) continue;
    hasNone = false;
    yield `<table><caption>${markup`${table}: ${rows(entries.length)}`.text}</caption>${headings('Key', 'Version', 'Reason', 'State')}<tbody>\n`;
    yield* chunks(entries, quarantineRow);
    yield '</tbody></table>\n';
  }
  if (hasNone) yield '<p>There are none.</p>\n';
  yield markup`</section>\n</main>\n<footer><p>Written by mirrorverse ${facts.version} at ${readableTime(facts.ended)}.</p></footer>\n</body>\n</html>\n`
    .text;
}

function head(facts: ReportFacts, proofs: readonly TableProof[]): Html {
  const { method, url, organizationId, database, schema, begun, ended, version, repairs } = facts;
  const host = url.replace(/^https?:\/\//, '');
  const { name, finds } = METHODS[method];
  const about: [string, string][] = [
    ['Environment', url],
    ['Organization', organizationId],
    ['Database', database],
    ['Schema', schema],
    ['Method', name],
    ['Repair', repairs ? 'differences were to be repaired' : 'nothing was changed'],
    ['Begun', readableTime(begun)],
    ['Ended', `${readableTime(ended)} (${readableSpan((ended.getTime() - begun.getTime()) / 1_000)})`],
    ['Requests', readableNumber(proofs.reduce((sum, { requests }) => sum + requests, 0))],
    ['mirrorverse', version],
  ];
  const notes = proofs.flatMap((proof) =>
    proofNotes(proof).map((note) => markup`<li><b>${proof.table}</b>: ${prose(note)}</li>`),
  );
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Verification of ${host}, ${ended.toISOString().slice(0, 10)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Verification of the mirror of ${host}</h1>
<p class="whole">${proofSentence(proofs)}</p>
<dl>${about.map(([term, text]) => markup`<div><dt>${term}</dt><dd>${text}</dd></div>`)}</dl>
<section aria-labelledby="method"><h2 id="method">What was compared</h2>
<p>${finds}</p><p>${BOTH}</p>
<p>The result of a table holds for all changes up to its row version. The row version counts the changes of the environment.</p></section>
<section aria-labelledby="tables"><h2 id="tables">Tables</h2>
<table><caption>Result of each table</caption><thead><tr><th scope="col">Table</th><th scope="col">Result</th><th scope="col" class="n">Rows</th><th scope="col" class="n">Row version</th><th scope="col" class="n">Requests</th><th scope="col" class="n">Seconds</th></tr></thead><tbody>
${proofs.map(tableRow)}</tbody></table>
${notes.length === 0 ? null : markup`<ul>${notes}</ul>`}</section>
`;
}

function tableRow(proof: TableProof): Html {
  const { table, throughVersion, requests, milliseconds } = proof;
  return markup`<tr><th scope="row">${table}</th><td>${proofResult(proof)}</td><td class="n">${readableNumber(proof.rows)}</td><td class="n">${throughVersion ?? 'not known'}</td><td class="n">${readableNumber(requests)}</td><td class="n">${(milliseconds / 1_000).toFixed(1)}</td></tr>
`;
}

function differenceRow({ key, kind, columns, repaired }: RecordedDifference): Html {
  return markup`<tr><td>${key}</td><td>${kind}</td><td>${columns.join(', ')}</td><td>${repaired ? 'repaired' : 'left'}</td></tr>
`;
}

function quarantineRow({ key, version, reason, dismissedAt }: QuarantineEntry): Html {
  return markup`<tr><td>${key}</td><td>${version === null ? 'none' : version.toString()}</td><td>${reason}</td><td>${dismissedAt === null ? 'in quarantine' : 'dismissed'}</td></tr>
`;
}

function headings(...names: readonly string[]): string {
  const cells = names.map((name) => markup`<th scope="col">${name}</th>`);
  return markup`<thead><tr>${cells}</tr></thead>`.text;
}

function rows(count: number): string {
  return count === 1 ? '1 row' : `${readableNumber(count)} rows`;
}

async function* chunks<T>(
  items: AsyncIterable<T> | Iterable<T>,
  row: (item: T) => Html,
): AsyncGenerator<string> {
  let chunk: string[] = [];
  for await (const item of items) {
    chunk.push(row(item).text);
    if (chunk.length < CHUNK) continue;
    yield chunk.join('');
    chunk = [];
  }
  yield chunk.join('');
}

const STYLE = new Html(`
body { margin: 2rem auto; padding: 0 1rem; max-width: 60rem; color: #1b1f24; background: #fff;
  font: 0.9375rem/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.2; }
h2 { margin-top: 2rem; font-size: 1.125rem; }
.whole { font-size: 1.125rem; font-weight: 600; }
dl div { display: grid; grid-template-columns: 9rem 1fr; }
dt { color: #57606a; }
dd { margin: 0; }
table { width: 100%; margin: 1rem 0; border-collapse: collapse; }
caption { text-align: left; font-weight: 600; }
th, td { padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid #d0d7de; text-align: left; vertical-align: top; }
.n { text-align: right; }
footer { margin-top: 2rem; color: #57606a; }
@media print {
  body { margin: 0; max-width: none; font-size: 9pt; }
  thead { display: table-header-group; }
  tr { break-inside: avoid; }
}
`);
