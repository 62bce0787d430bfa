/** Keys in no order, as a source's are: what a primary key's index costs depends on it. */
export function keyOf(row: number): string {
  const bytes = Buffer.from(ANY_KEY);
  writeKey(bytes, 0, row);
  return bytes.toString();
}

/** A key to be written over. */
export const ANY_KEY = '00000000-0000-4000-8000-000000000000';
const HEX = Buffer.from('0123456789abcdef');

/** Writes a row's key over the one that is there. */
export function writeKey(bytes: Uint8Array, at: number, row: number): void {
  const scattered = Math.imul(row + 1, 0x9e3779b1) >>> 0;
  writeHex(bytes, at, scattered, 8);
  writeHex(bytes, at + 9, scattered >>> 16, 4);
  writeHex(bytes, at + 28, row, 8);
}

function writeHex(bytes: Uint8Array, at: number, value: number, digits: number): void {
  let rest = value;
  for (let place = at + digits - 1; place >= at; place--) {
    bytes[place] = HEX[rest & 15] ?? 0;
    rest >>>= 4;
  }
}
