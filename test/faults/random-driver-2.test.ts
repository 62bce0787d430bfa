import { driverSuite } from '../support/driver/driver-suite.ts';

// A file of its own, so that two workers share the seeds.
driverSuite(1, 2);
