const BEGIN = '<!-- figures: written by npm run bench -->';
const END = '<!-- end of figures -->';

/**
 * A document with `text` between its markers in place of what was there; all else stays as it is.
 *
 * @throws Error where the markers are not there once each, in their order.
 */
export function betweenMarkers(document: string, text: string): string {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  const areSingle = document.lastIndexOf(BEGIN) === begin && document.lastIndexOf(END) === end;
  if (begin === -1 || end < begin || !areSingle) {
    throw new Error(`The document needs the lines ${BEGIN} and ${END}, once each.`);
  }
  return `${document.slice(0, begin + BEGIN.length)}\n\n${text.trim()}\n\n${document.slice(end)}`;
}
