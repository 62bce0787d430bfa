import { fitsPattern } from '../../model/name-pattern.ts';
import type { Config, ConfigProblem } from '../config.ts';
import type { Settings } from '../settings.ts';

const AUDIT = 'audit';

/** Which audit rows have details; undefined if none have. */
export function auditFrom({ audit, tables }: Settings, problems: ConfigProblem[]): Config['audit'] {
  if (audit === undefined) return undefined;
  const share = Number.parseFloat(audit.share ?? '5%') / 100;
  if (share <= 0 || share > 1) {
    problems.push({ key: 'audit.share', message: 'must be above 0% and at most 100%' });
  }
  const names = (tables ?? []).map((item) => (typeof item === 'string' ? item : item.name));
  const isMirrored = names.some((name) => !name.startsWith('!') && fitsPattern(AUDIT, name));
  if (!isMirrored && names.length > 0) {
    problems.push({ key: 'audit.details', message: 'needs the table audit among tables' });
  }
  return { details: [...new Set(audit.details)], share };
}
