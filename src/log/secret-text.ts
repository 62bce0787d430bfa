/** A secret as it was given, or what is wrong with it. People read the problem, so it quotes no part of the secret. */
export type SecretText = { readonly text: string } | { readonly problem: string };

// The two byte order marks of UTF-16.
const UTF_16 = [
  [0xff, 0xfe],
  [0xfe, 0xff],
];

/** The secret in a file of UTF-8, with or without a byte order mark. Blanks around the secret do not belong to it. */
export function secretInFile(bytes: Uint8Array): SecretText {
  const isUtf16 = UTF_16.some((mark) => mark.every((byte, at) => bytes[at] === byte));
  if (isUtf16 || bytes.includes(0)) {
    return { problem: 'names a file that is not text in UTF-8; PowerShell may have written it in UTF-16' };
  }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim() };
  } catch {
    return { problem: 'names a file that is not text in UTF-8' };
  }
}

/** The value of a variable without the line breaks that a file or a shell has put around it. */
export function withoutLineBreaks(value: string): string {
  return value.replaceAll(/^[\r\n]+|[\r\n]+$/g, '');
}

/**
 * Why a secret cannot be used; undefined where it can.
 *
 * @param sent how the secret is sent: in a text of one line, or in an HTTP header. Only printable ASCII is
 *   certain to pass in a header.
 */
export function secretProblem(text: string, sent: 'line' | 'header'): string | undefined {
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f\ufffd]/.test(text)) {
    return 'has a line break or another control character in it; give the secret alone, as UTF-8';
  }
  if (sent === 'header' && !/^[\u0020-\u007e]*$/.test(text)) {
    return 'has a character that no HTTP header can carry; give the secret alone, as plain ASCII';
  }
  return undefined;
}
