import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Waits until the process that started it is gone, whose death the kernel tells it by SIGURG; then removes the tracing instance, and the
 * probes after it, whose events the instance's removal disables. The files that the dead process had open are closed a moment later than
 * that: until then the instance is busy.
 *
 * SIGURG ends nothing by itself: the signal of a death that comes before the trap is lost, and the parent is another one then.
 */
const SCRIPT = `
clean() {
  tries=0
  while [ -d "$1/instances/$2" ] && [ "$tries" -lt 100 ]; do
    rmdir "$1/instances/$2" 2>/dev/null || sleep 0.1
    tries=$((tries + 1))
  done
  probes=$(while read -r line; do
    case $line in *":$3/"*) line=\${line#*:}; echo "-:\${line%% *}" ;; esac
  done <"$1/kprobe_events")
  for probe in $probes; do echo "$probe" >>"$1/kprobe_events"; done
} 2>/dev/null
trap 'trap "" TERM URG; kill "$!" 2>/dev/null; clean "$1" "$2" "$3"; exit 0' TERM URG
trap '' INT HUP
while read -r key value; do
  [ "$key" = PPid: ] && parent=$value
done </proc/$$/status
[ "$parent" = "$4" ] || kill -URG "$$"
# Not for ever: one that was started as the signal came could be missed by the kill.
while :; do sleep 60 & wait; done
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
    const shell = ['sh', '-c', SCRIPT, 'kvm-memtype-guard', root, instance, group, String(process.pid)];
    // A session of its own: what ends a whole group of processes, as Ctrl-C does, is not for it.
    this.#child = spawn('setpriv', ['--pdeathsig', 'URG', ...shell], { stdio: 'ignore', detached: true });
    this.#child.on('error', () => {}); // Without it, the next command that traces removes what a killed one left.
    this.#child.unref();
  }

  /** It is needed no more: what there was to remove has been. */
  close(): void {
    this.#child.kill();
  }
}
