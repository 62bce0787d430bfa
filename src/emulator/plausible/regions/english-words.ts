import type { Region } from './region.ts';

/** What English-speaking companies do, as the second part of their names. */
export const ENGLISH_TRADES: Region['trades'] = {
  engineering: ['Engineering', 'Precision', 'Machine Works', 'Controls'],
  food: ['Foods', 'Bakery', 'Dairy', 'Beverages'],
  transport: ['Logistics', 'Freight', 'Shipping', 'Couriers'],
  consulting: ['Consulting', 'Advisors', 'Partners'],
  wholesale: ['Supply', 'Trading', 'Wholesale'],
  services: ['Facilities', 'Staffing', 'Maintenance', 'Cleaning'],
  accounting: ['Accounting', 'Bookkeeping', 'Audit'],
  insurance: ['Insurance', 'Mutual', 'Assurance'],
};

export const ENGLISH_JOBS: Region['jobs'] = [
  ['Purchasing', 'Purchasing Manager'],
  ['Purchasing', 'Buyer'],
  ['Operations', 'Plant Manager'],
  ['Operations', 'Operations Director'],
  ['Maintenance', 'Maintenance Supervisor'],
  ['Quality', 'Quality Engineer'],
  ['Finance', 'Controller'],
  ['Finance', 'Accounts Payable Clerk'],
  ['IT', 'Systems Administrator'],
  ['Management', 'Managing Director'],
  ['Laboratory', 'Laboratory Manager'],
  ['Warehouse', 'Warehouse Manager'],
];
