/** A boolean that a managed solution may lock, in the shape metadata shows it. */
export function managedProperty(
  value: boolean,
  canBeChanged: boolean,
  managedPropertyLogicalName: string,
): Record<string, unknown> {
  return { Value: value, CanBeChanged: canBeChanged, ManagedPropertyLogicalName: managedPropertyLogicalName };
}
