import { isRunning, ownProcessId } from './owner.js';

/** What ownProcessId() gives, as part of a regular expression. */
const PROCESS_ID = '\\d+-\\d+-\\d+';

/**
 * Names of one kind of thing that stays when its process is killed. Each bears the id of the process that made it, so that whoever
 * starts next can tell what was left behind from what is in use, also where a process has the number of an earlier one.
 */
export class OwnedNames {
  readonly #prefix: string;
  readonly #suffix: string;
  readonly #form: RegExp;
  #count = 0;

  /** Neither part may hold what means something in a regular expression, but for a dot. */
  constructor(prefix: string, suffix = '') {
    this.#prefix = prefix;
    this.#suffix = suffix;
    const literal = (text: string): string => text.replaceAll('.', '\\.');
    this.#form = new RegExp(`^${literal(prefix)}(${PROCESS_ID})\\.\\d+${literal(suffix)}$`);
  }

  /** A name that no other process gives, in no container, nor this one again. */
  next(): string {
    return `${this.#prefix}${ownProcessId()}.${this.#count++}${this.#suffix}`;
  }

  /** Whether a name is of this kind, and its process is gone. */
  isLeft(name: string): boolean {
    const owner = this.#ownerOf(name);
    return owner !== undefined && !isRunning(owner);
  }

  /** Whether a name is of this kind, and another process has it that still runs. */
  isOthers(name: string): boolean {
    const owner = this.#ownerOf(name);
    return owner !== undefined && owner !== ownProcessId() && isRunning(owner);
  }

  #ownerOf(name: string): string | undefined {
    return this.#form.exec(name)?.[1];
  }
}
