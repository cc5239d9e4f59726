import { allNodes, type CommandNode, type OptionNode, optionsOf } from './tree.js';
import type { Value } from './values.js';

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
/** As it may stand within the brackets of an option, and beside the colons of an argument. */
const explained = (text: string): string => text.replace(/[\\[\]:]/g, '\\$&');

/** The functions that complete values, each once. */
class Functions {
  readonly #names = new Map<string, string>();

  nameOf({ words, paths }: Value): string {
    const body = [
      ...(words.length > 0 ? [`  compadd "$@" -- ${words.map(quoted).join(' ')} && ret=0`] : []),
      ...(paths ? [`  _files${paths === 'folder' ? ' -/' : ''} && ret=0`] : []),
    ].join('\n');
    if (body === '') return ' ';
    const name = this.#names.get(body) ?? `_kvm_memtype_value_${this.#names.size + 1}`;
    this.#names.set(body, name);
    return name;
  }

  text(): string {
    return [...this.#names]
      .map(([body, name]) => `${name}() {\n  local ret=1\n${body}\n  return ret\n}\n`)
      .join('\n');
  }
}

function optionSpecs({ names, takes, text }: OptionNode, functions: Functions): string[] {
  return names.map((name) => {
    const equals = takes && name.startsWith('--') ? '=' : '';
    const value = takes ? `:${explained(takes.name)}:${functions.nameOf(takes.value)}` : '';
    return quoted(`*${name}${equals}[${explained(text)}]${value}`);
  });
}

/** The call that completes a command, or hands over to those below it. */
function body(node: CommandNode, program: CommandNode, functions: Functions): string {
  const options = optionsOf(node, program).flatMap((option) => optionSpecs(option, functions));
  const name = ['_kvm-memtype', ...node.path].join('_');
  if (node.commands.length === 0) {
    const args = node.args.map(({ name, value, variadic }) =>
      quoted(`${variadic ? '*' : ''}:${explained(name)}:${functions.nameOf(value)}`),
    );
    return `${name}() {\n  _arguments -s ${[...options, ...args].join(' \\\n    ')}\n}\n`;
  }
  const commands = node.commands.map(({ path, summary }) => quoted(`${path.at(-1)}:${explained(summary)}`));
  const arms = node.commands.map(({ path }) => `        ${path.at(-1)}) ${name}_${path.at(-1)} && ret=0 ;;`);
  return `${name}() {
  local curcontext=$curcontext state line ret=1
  local -A opt_args
  local -a commands=(${commands.join(' ')})
  _arguments -C -s ${options.join(' \\\n    ')} '1:command:->command' '*::argument:->rest' && ret=0
  case $state in
    command) _describe command commands && ret=0 ;;
    rest)
      case $words[1] in
${arms.join('\n')}
      esac ;;
  esac
  return ret
}
`;
}

/** The script that completes the program's words in zsh. */
export function zshCompletion(program: CommandNode): string {
  const functions = new Functions();
  const bodies = allNodes(program).map((node) => body(node, program, functions));
  return `#compdef kvm-memtype
# Completion of kvm-memtype for zsh.

${functions.text()}
${bodies.join('\n')}
if [ "$funcstack[1]" = "_kvm-memtype" ]; then _kvm-memtype "$@"; else compdef _kvm-memtype kvm-memtype; fi
`;
}
