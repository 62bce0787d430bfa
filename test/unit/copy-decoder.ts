const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Reads COPY's text format as PostgreSQL's manual describes it; octal and hexadecimal escapes apart. */
export function decodeCopyText(bytes: Uint8Array): (string | null)[][] {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  if (text === '') return [];
  if (!text.endsWith('\n')) throw new Error('The last line has no end.');
  return text.slice(0, -1).split('\n').map(decodeLine);
}

function decodeLine(line: string): (string | null)[] {
  if (line === '\\.') throw new Error('This line would end the data.');
  if (line.includes('\r')) throw new Error('A bare carriage return.');
  return line.split('\t').map((field) => (field === '\\N' ? null : decodeField(field)));
}

function decodeField(field: string): string {
  return field.replaceAll(/\\(.?)/gsu, (_, escaped: string) => {
    if (escaped === '' || /[0-9x]/.test(escaped)) throw new Error(`A bad escape in ${field}.`);
    return ESCAPES[escaped] ?? escaped;
  });
}
