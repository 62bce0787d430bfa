import type { FaultAction } from '../../../src/emulator/faults/fault-script.ts';
import type { Trouble } from './scenario.ts';

/** What the emulator does for a trouble of a scenario. */
export function actionOf(what: Trouble['what']): FaultAction {
  switch (what.kind) {
    case 'throttled': {
      const refusal = { status: 429, code: '0x80072322', message: 'Slow down.' };
      return what.retryAfter === null ? refusal : { ...refusal, retryAfter: what.retryAfter };
    }
    case 'status':
      return { status: what.status };
    case 'sql-timeout':
      return { status: 500, code: '0x80044151', message: 'SQL timeout expired.' };
    case 'html':
      return { status: what.status, html: true };
    case 'reset':
      return { reset: true };
    case 'cut':
      return { cutAt: what.at };
  }
}
