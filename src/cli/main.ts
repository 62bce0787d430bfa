#!/usr/bin/env node
import { runCommandLine } from './command-line.ts';
import { onFatalError, stopSignal } from './process-signals.ts';

onFatalError();
process.exitCode = await runCommandLine(process.argv.slice(2), stopSignal());
