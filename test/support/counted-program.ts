import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keepNotes } from '../../src/lab/kernel/counted.js';

const SOURCE = `static int f(int a)
{
	if (a > 1)
		return a;
	return 0;
}
int main(int argc, char **argv) { return f(argc - 1) + argv[0][0] * 0; }
`;

/**
 * A "kernel" that counts: its KVM is one program, of which a patch changed the fourth line. That line runs if the program is given two
 * arguments.
 */
export class CountedProgram {
  readonly source = SOURCE;

  private constructor(private readonly root: string) {}

  static async make(root: string): Promise<CountedProgram> {
    const program = new CountedProgram(root);
    await program.#build();
    return program;
  }

  get bzImage(): string {
    return this.at('entry', 'bzImage');
  }

  at(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  async #build(): Promise<void> {
    for (const side of ['source', 'tree', 'build'])
      for (const folder of ['virt/kvm', 'arch/x86/kvm/mmu'])
        mkdirSync(this.at(side, folder), { recursive: true });
    mkdirSync(this.at('entry'));
    writeFileSync(this.bzImage, 'image');
    writeFileSync(this.at('source', 'virt/kvm/kvm_main.c'), SOURCE.replace('return a;', 'return 2;'));
    writeFileSync(this.at('tree', 'virt/kvm/kvm_main.c'), SOURCE);
    const object = this.at('build', 'virt/kvm/kvm_main.o');
    const gcc = (...args: string[]) => spawnSync('gcc', ['--coverage', ...args], { cwd: this.at('build') });
    gcc('-c', '../tree/virt/kvm/kvm_main.c', '-o', object);
    gcc(object, '-o', this.at('build', 'program'));
    await keepNotes({
      source: this.at('source'),
      tree: this.at('tree'),
      build: this.at('build'),
      entry: this.at('entry'),
    });
  }

  /** The counters of one run. */
  run(...args: string[]): Buffer {
    const file = this.at('build', 'virt/kvm/kvm_main.gcda');
    rmSync(file, { force: true });
    spawnSync(this.at('build', 'program'), args);
    return readFileSync(file);
  }
}
