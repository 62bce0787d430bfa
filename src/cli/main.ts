#!/usr/bin/env -S node --max-semi-space-size=2
// Bytes from the network live briefly. With a small young generation they are collected early and cheaply, and
// not together with the whole heap. With narrow tables this saves a third of a baseline's CPU time, and 50 MB.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { runCommandLine } from './command-line.ts';
import { onFatalError, stopSignal } from './process-signals.ts';

// The HTTP client collects the young garbage with `gc`. Node gives this function only by a flag, and after the start
// of a process only to a new context. Without it memory goes beyond its bounds while many wide tables are loaded.
setFlagsFromString('--expose-gc');
globalThis.gc ??= runInNewContext('gc') as NodeJS.GCFunction;

onFatalError();
const status = await runCommandLine(process.argv.slice(2), stopSignal());
// The process exits itself once its output is written, because a library may have left something open, such as a
// request to an identity endpoint that never answers. If the output could not be written, the command has failed.
process.stdout.write('', (error) => process.exit(error ? 1 : status));
