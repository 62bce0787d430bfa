import { driverSuite } from '../support/driver/driver-suite.ts';

driverSuite(0, 2);
