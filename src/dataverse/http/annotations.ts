export function includeAnnotations(names: readonly string[]): string {
  return `odata.include-annotations="${names.join(',')}"`;
}

/** Which table a lookup's id is of. */
export const LOOKUP_ANNOTATION = 'Microsoft.Dynamics.CRM.lookuplogicalname';
