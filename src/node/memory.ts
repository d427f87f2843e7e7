/** The peak resident memory of this process. */
import { readFileSync } from 'node:fs';

/**
 * In bytes. Linux says it of this program alone (`VmHWM`); the peak that getrusage gives (`maxRSS`) may be that of the process
 * which started this one, and serves elsewhere.
 */
export function peakRssBytes(): number {
  return linuxPeak() ?? process.resourceUsage().maxRSS * 1024;
}

function linuxPeak(): number | null {
  try {
    const found = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'));
    return found === null ? null : Number(found[1]) * 1024;
  } catch {
    return null;
  }
}
