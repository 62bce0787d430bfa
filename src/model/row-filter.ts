/**
 * Which rows of a table are mirrored. `sql` is an expression over the columns of the mirror table, which PostgreSQL
 * evaluates for each row that comes. `fetchxml` is a filter element, which the environment evaluates.
 *
 * The fingerprint tells one filter from another. A table whose filter has another fingerprint than the filter of its
 * rows is loaded anew.
 */
export type RowFilter =
  | { readonly kind: 'sql'; readonly predicate: string; readonly fingerprint: string }
  | { readonly kind: 'fetchxml'; readonly filter: string; readonly fingerprint: string };
