import type { Ratio } from './section.ts';

const WIDTH = 760;
const LEFT = 240;
const RIGHT = 70;
const TOP = 56;
const ROW = 30;
const BAR = 16;
/** Ratios beyond it are drawn as long as it; their figures say what they are. */
const MOST = 3;

/**
 * A bar for each ratio, beside the floor's own time and what is allowed, as SVG that can be read on a
 * light and on a dark page.
 */
export function chart(ratios: readonly Ratio[]): string {
  const height = TOP + ROW * ratios.length + 28;
  const most = Math.min(MOST, Math.max(1.5, ...ratios.flatMap(({ value, bar }) => [value, bar])) * 1.05);
  const x = (value: number): number => round(LEFT + ((WIDTH - LEFT - RIGHT) * Math.min(value, most)) / most);
  const bottom = TOP + ROW * ratios.length;
  const steps = Array.from({ length: Math.floor(most * 2) + 1 }, (_, step) => step / 2);
  const grid = steps.map(
    (step) =>
      `<line class="grid" x1="${x(step)}" y1="${TOP - 6}" x2="${x(step)}" y2="${bottom}"/>` +
      `<text class="axis" x="${x(step)}" y="${bottom + 18}" text-anchor="middle">${step}</text>`,
  );
  const bars = ratios.map((ratio, at) => row(ratio, TOP + ROW * at, x));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Times of the floor">
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.axis { font-size: 11px; fill: #6e7781 }
.grid { stroke: #d0d7de }
.floor { stroke: #24292f }
.within { fill: #2da44e }
.missed { fill: #cf222e }
.allowed { stroke: #bf8700; stroke-width: 3 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.axis { fill: #8b949e }
.grid { stroke: #30363d }
.floor { stroke: #e6edf3 }
}
</style>
<text x="12" y="20">Time, in times of the floor measured in the same run: shorter is better</text>
<text class="axis" x="${x(1)}" y="${TOP - 12}" text-anchor="middle">the floor</text>
<line class="allowed" x1="${LEFT - 228}" y1="34" x2="${LEFT - 228}" y2="48"/>
<text class="axis" x="${LEFT - 220}" y="45">allowed</text>
${[...grid, ...bars].join('\n')}
<line class="floor" x1="${x(1)}" y1="${TOP - 6}" x2="${x(1)}" y2="${bottom}"/>
</svg>
`;
}

function row({ name, value, bar }: Ratio, top: number, x: (value: number) => number): string {
  const kind = value <= bar ? 'within' : 'missed';
  const middle = top + BAR / 2 + 4;
  return (
    `<text x="${LEFT - 12}" y="${middle}" text-anchor="end">${escape(name)}</text>` +
    `<rect class="${kind}" x="${x(0)}" y="${top}" width="${round(x(value) - x(0))}" height="${BAR}" rx="2"/>` +
    `<line class="allowed" x1="${x(bar)}" y1="${top - 3}" x2="${x(bar)}" y2="${top + BAR + 3}"/>` +
    `<text x="${round(Math.max(x(value), x(bar)) + 8)}" y="${middle}">${value.toFixed(2)}</text>`
  );
}

function round(coordinate: number): number {
  return Math.round(coordinate * 10) / 10;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
