// Loaded into a command with --import: writes down, at its end, the most memory it had resident, in KiB.
import { readFileSync, writeFileSync } from 'node:fs';

/** VmHWM is of this program alone, while ru_maxrss on Linux may still be that of the process it was forked from. */
function peakMemory(): number {
  try {
    return Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
  } catch {
    return process.resourceUsage().maxRSS;
  }
}

process.once('exit', () => writeFileSync(process.env['PEAK_MEMORY_FILE'] ?? '', String(peakMemory())));
