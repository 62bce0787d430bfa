import type { TableConfig } from '../config/config.ts';
import { UsageError } from './command.ts';

/** The configured tables that were named, or all of them. @throws UsageError for one that is not. */
export function selectedTables(configured: readonly TableConfig[], names: readonly string[]): TableConfig[] {
  const unknown = names.filter((name) => !configured.some((table) => table.name === name));
  if (unknown.length > 0) {
    throw new UsageError(`Not among the configured tables: ${unknown.join(', ')}. Add them to tables.`);
  }
  return names.length === 0 ? [...configured] : configured.filter((table) => names.includes(table.name));
}
