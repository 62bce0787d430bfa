/** The annotations that a response carries, according to the patterns of `odata.include-annotations`. */
export interface AnnotationFilter {
  readonly lookupLogicalName: boolean;
  readonly associatedNavigationProperty: boolean;
  readonly formattedValue: boolean;
  readonly globalMetadataVersion: boolean;
  readonly totalRecordCount: boolean;
}

export const LOOKUP_LOGICAL_NAME = 'Microsoft.Dynamics.CRM.lookuplogicalname';
export const ASSOCIATED_NAVIGATION_PROPERTY = 'Microsoft.Dynamics.CRM.associatednavigationproperty';
export const FORMATTED_VALUE = 'OData.Community.Display.V1.FormattedValue';
export const GLOBAL_METADATA_VERSION = 'Microsoft.Dynamics.CRM.globalmetadataversion';

/** Reads patterns: full names, `*`, and prefixes such as `Microsoft.Dynamics.CRM.*`. */
export function annotationFilter(patterns: string | null): AnnotationFilter {
  const list = (patterns ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  const wanted = (name: string): boolean =>
    list.some((pattern) =>
      pattern.endsWith('*')
        ? name.startsWith(pattern.slice(0, -1))
        : pattern.toLowerCase() === name.toLowerCase(),
    );
  return {
    lookupLogicalName: wanted(LOOKUP_LOGICAL_NAME),
    associatedNavigationProperty: wanted(ASSOCIATED_NAVIGATION_PROPERTY),
    formattedValue: wanted(FORMATTED_VALUE),
    globalMetadataVersion: wanted(GLOBAL_METADATA_VERSION),
    totalRecordCount: wanted('Microsoft.Dynamics.CRM.totalrecordcount'),
  };
}
