#!/usr/bin/env node
import { runCommandLine } from './command-line.ts';
import { onFatalError, stopSignal } from './process-signals.ts';

onFatalError();
const status = await runCommandLine(process.argv.slice(2), stopSignal());
// By our own hand, once the output is out: what a library may have left open, such as a request to an
// identity endpoint that never answers, is not to keep the process.
// What could not be read by anybody is no success.
process.stdout.write('', (error) => process.exit(error ? 1 : status));
