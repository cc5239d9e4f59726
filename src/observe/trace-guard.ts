import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Waits, without a look at a clock, until nobody can write to its standard input any more: the process that started it has the only other end,
 * which the kernel closes however it dies. Then removes the tracing instance, and the probes after it, whose events the instance's removal
 * disables. What else the dead process had open may be closed a moment later than that: until then the instance is busy.
 */
const SCRIPT = `
trap '' INT HUP
read -r _
tries=0
while [ -d "$1/instances/$2" ] && [ "$tries" -lt 100 ]; do
  rmdir "$1/instances/$2" 2>/dev/null || sleep 0.1
  tries=$((tries + 1))
done
probes=$(while read -r line; do
  case $line in *":$3/"*) line=\${line#*:}; echo "-:\${line%% *}" ;; esac
done <"$1/kprobe_events")
for probe in $probes; do echo "$probe" >>"$1/kprobe_events"; done
`;

/** A process that removes what this one leaves in tracefs when it is killed. */
export class TraceGuard {
  readonly #child: ChildProcess;

  /**
   * @param root where tracefs is mounted
   * @param instance name of the tracing instance
   * @param group of its probes
   */
  constructor(root: string, instance: string, group: string) {
    // A session of its own: what ends a whole group of processes, as Ctrl-C does, is not for it.
    this.#child = spawn('sh', ['-c', SCRIPT, 'kvm-memtype-guard', root, instance, group], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#child.on('error', () => {}); // Without it, the next command that traces removes what a killed one left.
    this.#child.unref();
    (this.#child.stdin as Socket).unref();
  }

  /** It is needed no more: what there was to remove has been. */
  close(): void {
    this.#child.kill();
  }
}
