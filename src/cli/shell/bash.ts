import { allNodes, type CommandNode, optionsOf } from './tree.js';
import type { Value } from './values.js';

/** What is completed where: a command's words, or those with an option behind them. */
function places(program: CommandNode): [place: string, value: Value][] {
  return allNodes(program).flatMap((node) => {
    const path = node.path.join(' ');
    const behind = optionsOf(node, program).flatMap(({ names, takes }) =>
      takes === undefined ? [] : names.map((name): [string, Value] => [`${path} ${name}`, takes.value]),
    );
    const words = [
      ...node.commands.map(({ path }) => path.at(-1) as string),
      ...node.args.flatMap(({ value }) => value.words),
    ];
    const paths = node.args.find(({ value }) => value.paths !== undefined)?.value.paths;
    return [...behind, [path, { words, ...(paths && { paths }) }]];
  });
}

/** An arm for each value: the scenarios' names stand there once. */
function arms(program: CommandNode): string {
  const groups = new Map<string, string[]>();
  for (const [place, value] of places(program)) {
    const text = `words='${value.words.join(' ')}' paths=${value.paths ?? ''}`;
    groups.set(text, [...(groups.get(text) ?? []), `'${place}'`]);
  }
  return [...groups].map(([text, at]) => `    ${at.join(' | ')}) ${text} ;;`).join('\n');
}

const optionArms = (program: CommandNode): string =>
  allNodes(program)
    .map((node) => {
      const names = optionsOf(node, program).flatMap(({ names }) => names);
      return `    '${node.path.join(' ')}') words='${names.join(' ')}' ;;`;
    })
    .join('\n');

const commandPaths = (program: CommandNode): string =>
  allNodes(program)
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => `'${path.join(' ')}'`)
    .join(' | ');

/** The script that completes the program's words in bash. */
export const bashCompletion = (program: CommandNode): string => `# Completion of kvm-memtype for bash.

# What may stand at a place, a command with an option behind it or not: words, and paths (file or folder).
_kvm_memtype_value() {
  words='' paths=''
  case "$1" in
${arms(program)}
    *) return 1 ;;
  esac
}

_kvm_memtype_options() {
  words='' paths=''
  case "$1" in
${optionArms(program)}
  esac
}

_kvm_memtype_is_command() {
  case "$1" in ${commandPaths(program)}) ;; *) return 1 ;; esac
}

_kvm_memtype() {
  local line=\${COMP_LINE:0:COMP_POINT} command='' option='' words paths before word cur i
  read -ra before <<<"$line"
  [[ $line == *[[:space:]] ]] && before+=('')
  cur=\${before[\${#before[@]} - 1]}
  for ((i = 1; i < \${#before[@]} - 1; i++)); do
    word=\${before[i]}
    if [[ -n $option ]]; then
      option=''
    elif [[ $word == -* ]]; then
      if _kvm_memtype_value "$command $word"; then option=$word; fi
    elif _kvm_memtype_is_command "\${command:+$command }$word"; then
      command=\${command:+$command }$word
    fi
  done
  if [[ -z $option && $cur == --*=* ]]; then option=\${cur%%=*} cur=\${cur#*=}; fi

  if [[ -n $option ]]; then
    _kvm_memtype_value "$command $option" || return 0
  elif [[ $cur == -* ]]; then
    _kvm_memtype_options "$command"
  else
    _kvm_memtype_value "$command"
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
  if [[ \${#COMPREPLY[@]} -eq 0 && -n $paths ]]; then
    local kind=-f
    [[ $paths == folder ]] && kind=-d
    mapfile -t COMPREPLY < <(compgen $kind -- "$cur")
    compopt -o filenames 2>/dev/null
  fi
  # bash takes a colon for the begin of a word: what stands before it is there already.
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    COMPREPLY=("\${COMPREPLY[@]#"\${cur%"\${cur##*:}"}"}")
  fi
  return 0
}

complete -F _kvm_memtype kvm-memtype
`;
