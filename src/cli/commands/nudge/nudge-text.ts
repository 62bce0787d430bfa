import type { NudgedTable, NudgeReport, NudgeStep } from '../../../operations/nudges/nudge-report.ts';
import { counted, textTable } from '../../output.ts';

/** What became of the endpoint, in words. */
const ENDPOINT: Readonly<Record<NudgeReport['endpoint'], string>> = {
  made: 'is registered',
  changed: 'was changed: it has the address and the secret of this configuration now',
  unchanged: 'is registered',
  missing: 'is not registered',
  removed: 'was removed',
};

/** What a person reads after `nudge register`, `status` or `remove`. */
export function nudgeLines(
  verb: 'register' | 'status' | 'remove',
  { url, endpoint, tables }: NudgeReport,
  failures?: ReadonlyMap<string, number>,
): string[] {
  const first = `The endpoint ${ENDPOINT[endpoint]}${url === null ? '' : ` (${url})`}.`;
  if (tables.length === 0) return [first];
  if (verb === 'remove') {
    return [first, ...tables.map(({ table, changed }) => `${table}: ${counted(changed, 'step')} removed`)];
  }
  const rows = tables.map((each) => [
    each.table,
    ...each.steps.map((step) => wordFor(step)),
    verb === 'register' ? madeIn(each) : String(failedIn(each.steps, failures)),
  ]);
  const messages = tables[0]?.steps.map(({ message }) => message.toLowerCase()) ?? [];
  const last = verb === 'register' ? 'changed' : 'failed calls';
  return [first, textTable(['table', ...messages, last], rows)];
}

function wordFor({ step }: NudgeStep): string {
  if (step === null) return 'none';
  return step.isEnabled ? 'on' : 'off';
}

function madeIn({ changed }: NudgedTable): string {
  return changed === 0 ? 'nothing' : counted(changed, 'step');
}

function failedIn(steps: readonly NudgeStep[], failures: ReadonlyMap<string, number> | undefined): number {
  return steps.reduce((sum, { step }) => sum + (step === null ? 0 : (failures?.get(step.id) ?? 0)), 0);
}
