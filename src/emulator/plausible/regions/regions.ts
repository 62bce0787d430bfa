import { BRAZIL } from './brazil.ts';
import { FRANCE } from './france.ts';
import { GERMANY } from './germany.ts';
import { GREECE } from './greece.ts';
import { JAPAN } from './japan.ts';
import { POLAND } from './poland.ts';
import type { Region } from './region.ts';
import { SWEDEN } from './sweden.ts';
import { UKRAINE } from './ukraine.ts';
import { UNITED_KINGDOM } from './united-kingdom.ts';
import { UNITED_STATES } from './united-states.ts';

/** Where the invented organization has its customers. The shares are percentages. */
export const REGIONS: readonly Region[] = [
  UNITED_STATES,
  GERMANY,
  UNITED_KINGDOM,
  FRANCE,
  SWEDEN,
  POLAND,
  JAPAN,
  GREECE,
  UKRAINE,
  BRAZIL,
];
