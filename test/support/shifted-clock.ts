// Loaded before a command: its clock on the wall goes wrong by CLOCK_OFFSET milliseconds, and by
// CLOCK_JUMP more from CLOCK_JUMP_AT milliseconds after the start on. Time that passes stays right.
const Real = Date;
const offset = Number(process.env['CLOCK_OFFSET'] ?? '0');
const jump = Number(process.env['CLOCK_JUMP'] ?? '0');
const jumpAt = Number(process.env['CLOCK_JUMP_AT'] ?? '0');

function now(): number {
  return Real.now() + offset + (performance.now() >= jumpAt ? jump : 0);
}

globalThis.Date = new Proxy(Real, {
  construct: (target, given: unknown[]) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given) as Date,
  apply: () => new Real(now()).toString(),
  get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
});
