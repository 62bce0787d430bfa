// Loaded before a command: its clock on the wall goes wrong by CLOCK_OFFSET milliseconds, and by
// CLOCK_JUMP more once SIGUSR2 has come. Time that passes stays right.
const Real = Date;
let offset = Number(process.env['CLOCK_OFFSET'] ?? '0');
const jump = Number(process.env['CLOCK_JUMP'] ?? '0');

process.once('SIGUSR2', () => {
  offset += jump;
});

function now(): number {
  return Real.now() + offset;
}

globalThis.Date = new Proxy(Real, {
  construct: (target, given: unknown[]) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given) as Date,
  apply: () => new Real(now()).toString(),
  get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
});
