import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { LabError } from '../errors.js';
import { mustExec } from '../exec.js';
import { directBoot, type Preload } from './directboot.js';
import type { Boot, Command } from './engine.js';

/** Runs Linux 6.1 to 7.2 with VMX, EPT and memory types; newer models fail early on some of them. */
const CPU_MODEL = 'corei7_haswell_4770';

/**
 * Emulated instructions a second of the guest's clock. Few: a delay loop of the kernel's costs as many as fit its time. Not
 * fewer: the timer's interrupts come more often between instructions.
 */
const INSTRUCTIONS_PER_SECOND = 20_000_000;

/** The most that Bochs keeps in RAM; it puts what is used beyond that into a file. */
const MOST_HOST_MIB = 2048;

const LOG = 'bochs.log';
const TOOL = 'bochs-bin';
const BIOS = '/usr/share/bochs/BIOS-bochs-latest';
const VGA_BIOS = '/usr/share/bochs/VGABIOS-lgpl-latest';

/** The files that a machine is made of, besides what a boot brings. */
export const BOCHS_FILES = { tool: TOOL, roms: [BIOS, VGA_BIOS] };

/** Names in the scratch directory, where Bochs runs: no path of the user's, with a comma or a blank, is given to it. */
export const LINKS = {
  snapshot: 'saved',
  adapted: 'adapted',
  library: './snapshot.so',
  rom: 'boot.rom',
  job: 'job',
};

/** Bochs with a real Intel VT-x: no window, no port, deterministic. */
export async function bochs(boot: Boot): Promise<Command> {
  const media = await bootMedia(boot);
  await writeFile(join(boot.scratch, 'bochsrc'), `${configuration(boot, media).join('\n')}\n`);
  const save =
    boot.saveInto === undefined
      ? []
      : [`source snapshot:${LINKS.snapshot}`, ...(boot.endsSaved ? [] : ['c'])];
  return bochsCommand(boot, ['-f', 'bochsrc'], save);
}

/**
 * Each second Bochs has SIGALRM log how many instructions it did. It waits for ever if the signal comes while it logs something else:
 * its handler takes the same lock (bx_show_ips_handler(), of 2.7).
 */
const withoutSignal = 'ALRM';

/** Start the emulator that we built, which has no debugger, with a saved machine. */
export const builtBochsCommand = (program: string, scratch: string, machine: string): Command => ({
  tool: program,
  args: ['-q', '-r', machine],
  withoutSignal,
  logFile: join(scratch, LOG),
});

/** Start Bochs; `commands` are for its debugger, when init stops the machine (guests/lab/init.c) before its end. */
export async function bochsCommand(
  { scratch, witness }: Pick<Boot, 'scratch' | 'witness'>,
  args: readonly string[],
  commands: readonly string[] = [],
): Promise<Command> {
  // Debian's build stops in its debugger first: tell it to continue. The last stop is the end.
  await writeFile(join(scratch, 'commands'), `${['c', ...commands, 'q'].join('\n')}\n`);
  return {
    tool: TOOL,
    args: ['-q', ...args, '-rc', `${witness === undefined ? '' : 'witness:'}commands`],
    withoutSignal,
    env: {
      SDL_VIDEODRIVER: 'dummy',
      SDL_AUDIODRIVER: 'dummy',
      ...(witness !== undefined && { LAB_WITNESS: String(witness) }),
    },
    logFile: join(scratch, LOG),
  };
}

function configuration(boot: Boot, media: string[]): string[] {
  const here = (path: string): string => relative(boot.scratch, path);
  return [
    'config_interface: textconfig',
    'display_library: sdl2',
    `log: ${LOG}`,
    `memory: guest=${boot.memoryMiB}, host=${Math.min(boot.memoryMiB, MOST_HOST_MIB)}`,
    `romimage: file=${BIOS}`,
    `vgaromimage: file=${VGA_BIOS}`,
    ...media,
    `com1: enabled=1, mode=file, dev=${here(boot.consoleFile)}`,
    `com2: enabled=1, mode=file, dev=${here(boot.resultsFile)}`,
    `cpu: count=1, ips=${INSTRUCTIONS_PER_SECOND}, model=${CPU_MODEL}, reset_on_triple_fault=0`,
    'clock: sync=none',
    'magic_break: enabled=1',
    // Its mixer sometimes dies at the end.
    'plugin_ctrl: speaker=0',
    'pci: enabled=1, chipset=i440fx, slot1=e1000',
    'e1000: enabled=1, mac=52:54:00:12:34:56, ethmod=null, ethdev=null',
    'panic: action=fatal',
    'error: action=ignore',
  ];
}

/** Put the kernel straight into RAM where that can be done, else boot it from a CD. */
async function bootMedia(boot: Boot): Promise<string[]> {
  const direct = await directBoot(boot);
  if (!direct && boot.memoryImage)
    throw new LabError('LAB_KERNEL_INVALID', `${boot.kernel.path} cannot be put straight into RAM`);
  if (!direct)
    return [
      'boot: cdrom',
      `ata0-master: type=cdrom, path=${relative(boot.scratch, await bootImage(boot))}, status=inserted`,
    ];
  const at = ({ file, address }: Preload): string =>
    `file=${relative(boot.scratch, file)}, address=0x${address.toString(16)}`;
  return [`optramimage1: ${at(direct.ram)}`, `optromimage1: ${at(direct.rom)}`];
}

/** A CD that isolinux boots: the kernel and the parts of the initramfs. */
async function bootImage(boot: Boot): Promise<string> {
  const root = join(boot.scratch, 'cd');
  const iso = join(boot.scratch, 'cd.iso');
  await mkdir(root);
  const link = (source: string, name: string): Promise<void> => symlink(source, join(root, name));
  await link('/usr/lib/ISOLINUX/isolinux.bin', 'isolinux.bin');
  await link('/usr/lib/syslinux/modules/bios/ldlinux.c32', 'ldlinux.c32');
  await link(boot.kernel.path, 'kernel');
  const names = boot.initrds.map((_, index) => `initrd${index}`);
  for (const [index, name] of names.entries()) await link(boot.initrds[index] as string, name);
  const initrds = names.map((name) => `/${name}`).join(',');
  await writeFile(
    join(root, 'isolinux.cfg'),
    `default lab\nprompt 0\nlabel lab\n  kernel /kernel\n  append initrd=${initrds} ${boot.commandLine}\n`,
  );
  const boots = [
    '-b',
    'isolinux.bin',
    '-c',
    'boot.cat',
    '-no-emul-boot',
    '-boot-load-size',
    '4',
    '-boot-info-table',
  ];
  const args = ['-as', 'mkisofs', '-quiet', '-f', '-o', iso, ...boots, root];
  await mustExec('xorriso', args, { code: 'LAB_BUILD', what: 'cannot make the boot CD' });
  return iso;
}
