/** Number literals that a JavaScript number, or a column that is too narrow, would change. */
export const HARD_NUMBERS = {
  Money: [
    '922337203685477.5807',
    '-922337203685477.5808',
    '100000000000.0000000000',
    '0.0001000000',
    '4990.0000000000',
    '0.0000000000',
    '-0.0000000001',
    '9007199254740993.0000000000',
  ],
  Decimal: [
    '0.0000000001',
    '100000000000.0000000000',
    '-100000000000.0000000000',
    '9007199254.7409930001',
    '0.1000000000',
    '-0.0000000001',
    '1.000000000000',
    '9007199254740993',
    '0.00',
  ],
  Double: [
    '0.00001',
    '-179.99999',
    '99999999999.99999',
    '0.1',
    '100000000000.0',
    '-0.5',
    '1e-300',
    '-0.0',
    '1.7976931348623157e308',
    '2.2250738585072014E-308',
    '0.30000000000000004',
    '9007199254740993',
  ],
  Integer: ['2147483647', '-2147483648', '0', '-1'],
  BigInt: [
    '9223372036854775807',
    '-9223372036854775808',
    '9007199254740993',
    '637388308718090885',
    '0',
    '-1',
  ],
} as const;

/** The limits of a date-time column, leap days, the turn of the epoch, and an hour that summer time skips. */
export const HARD_TIMES = [
  '1753-01-01T00:00:00Z',
  '9999-12-30T23:59:59Z',
  '2000-02-29T23:59:59Z',
  '1969-12-31T23:59:59Z',
  '1970-01-01T00:00:00Z',
  '2024-03-31T02:30:00Z',
  '1900-01-01T00:00:00Z',
  '2038-01-19T03:14:08Z',
] as const;

/** The same for columns that hold only a date. */
export const HARD_DATES = ['1753-01-01', '9999-12-30', '2000-02-29', '1900-02-28', '1970-01-01'] as const;

export const HARD_GUIDS = [
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
] as const;

/** Values of choices whose options are not known. */
export const HARD_CHOICES = [0, 1, 100_000_000, 2_147_483_647, -1] as const;
