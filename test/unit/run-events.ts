import type { Checkpoint } from '../../src/model/checkpoint.ts';
import { Failure, type CodeOfOneReaction } from '../../src/model/failure.ts';
import type { Link } from '../../src/model/page.ts';
import type { RunEvent } from '../../src/sync/run/run-state.ts';

const PATH = 'https://org/api/data/v9.2/things';
export const delta = (version: number): Link => ({
  kind: 'delta',
  url: `${PATH}?$deltatoken=${version}%2108%2f22%2f2017%2008%3a10%3a44`,
});
export const page = (version: number, number: number): Link => ({
  kind: 'next',
  url: `${PATH}?$skiptoken=<cookie page="${number}" maxTimestamp="${version}"/>`,
});
export const DELTA: Checkpoint = {
  phase: 'delta',
  catchingUp: false,
  link: delta(5),
  selection: 'a',
  rewound: false,
};

export const prepared = (stored: Checkpoint): RunEvent => ({
  is: 'prepared',
  stored,
  surroundings: {
    selection: 'a',
    entitySet: 'things',
    created: false,
    refills: false,
    hasRows: stored.phase !== 'new',
    hasSeenKeys: true,
    isVirtual: false,
    linkAge: 1_000,
    linkLifeDays: 7,
  },
  pendingFailure: undefined,
});
export const came = (link: Link | null, highest: bigint | null = null): RunEvent => ({
  is: 'fetched',
  link,
  highest,
});
export const STORED: Extract<RunEvent, { is: 'stored' }> = {
  is: 'stored',
  refusedSweep: null,
  paused: null,
  resync: null,
};

export function failure(code: CodeOfOneReaction, details = {}): Failure {
  return new Failure({ code, message: code, details });
}

export function failed(error: Failure, circumstances = {}): RunEvent {
  return {
    is: 'failed',
    failure: error,
    circumstances: { isReading: true, metadataChanged: false, columnsAreRefused: false, ...circumstances },
  };
}

export const REFUSED = failure('request-refused', { status: 400, link: 'digest', errorCode: '0x1' });
export const EXPIRED = failure('link-expired');
