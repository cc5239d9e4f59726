import { MSR_BY_NAME, msrName } from '../../arch/msrs.js';
import { type DumpContext, type DumpFormat, type Fact, hexOf } from '../types.js';

/** `CPU 1`, `CPU#1`, `== cpu1 ==`. */
const HEADING = /^[=#-]{0,4} ?cpu ?#?(\d{1,4}) ?[:=-]{0,4}$/i;
/** `cpu1: 0x2ff: 0xc06`, `MSR 0x2ff = c06`, `IA32_MTRR_DEF_TYPE: 0xc06`, `wrmsr 0x2ff 0xc06`. */
const VALUE =
  /^(?:cpu ?#?(\d{1,4})[:,]? )?(?:(?:wr)?msr ?[[(]?)?(0x[0-9a-f]{1,8}|[0-9a-f]{2,3}|[a-z]\w{2,40})[\])]? ?(?:=|:| ) ?(0x[0-9a-f]{1,16}|[0-9a-f]{1,16})$/i;
const OPTIONS =
  '(?:(?:-[0acdouxX]+|--(?:all|c-language|capital-hex|decimal|hexadecimal|octal|unsigned|zero-pad)) )*';
/** `# rdmsr -a 0x2ff`: values follow, one for each processor. */
const COMMAND = new RegExp(
  `^[#$>]? ?(?:sudo )?rdmsr (${OPTIONS}(?:(?:-p|--processor) ?(\\d{1,4}) )?${OPTIONS})(0x[0-9a-f]{1,8})$`,
  'i',
);

/** In which base the answers come, by the options of the command. */
interface Base {
  readonly asked: RegExp;
  readonly answer: RegExp;
  readonly value: (text: string) => bigint;
}

const HEX: Base = { asked: /^/, answer: /^(?:0x)?[0-9a-f]{1,16}$/i, value: hexOf };
/** rdmsr.c of msr-tools: -c puts a U behind unsigned numbers, and a 0 before octal ones. */
const BASES: readonly Base[] = [
  {
    asked: /(?:^| )-(?:-decimal|-unsigned|\w*[du])/,
    answer: /^-?\d{1,20}(?:U|U?LL)?$/,
    value: (text) => BigInt.asUintN(64, BigInt(text.replace(/[UL]+$/, ''))),
  },
  { asked: /(?:^| )-(?:-octal|\w*o)/, answer: /^[0-7]{1,23}$/, value: (text) => BigInt(`0o${text}`) },
  HEX,
];

/** The number that a word means: 0x…, a name of the SDM, or the bare digits of an MTRR. */
function msrOf(word: string): number | undefined {
  if (/^0x/i.test(word)) return Number(word);
  const named = MSR_BY_NAME.get(word.toUpperCase().replace(/^(?:IA32|MSR)_/, ''));
  if (named !== undefined) return named;
  const digits = /^[0-9a-f]{2,3}$/i.test(word) ? Number.parseInt(word, 16) : undefined;
  return digits !== undefined && msrName(digits) !== undefined ? digits : undefined;
}

/** What a command asked for, whose answers come on the next lines. */
interface Asked {
  readonly msr: number;
  cpu: number | undefined;
  readonly all: boolean;
  readonly base: Base;
}

function readValue(line: string, context: DumpContext): Fact[] | undefined {
  const [, cpu, word = '', value] = VALUE.exec(line) ?? [];
  if (value === undefined) return undefined;
  const msr = msrOf(word);
  if (msr === undefined) return undefined;
  return [{ what: 'msr', cpu: cpu === undefined ? context.cpu : Number(cpu), msr, value: hexOf(value) }];
}

/** Values of MSRs as msr-tools print them, alone or in a list. They are hexadecimal, unless `rdmsr` was asked otherwise. */
export const rdmsrList: DumpFormat = {
  name: 'list of MSRs',
  start: (context) => {
    let asked: Asked | undefined;
    const answer = (line: string): Fact[] | undefined => {
      if (asked === undefined || !asked.base.answer.test(line)) return undefined;
      const { msr, cpu, all, base } = asked;
      if (all) asked.cpu = (cpu ?? 0) + 1;
      else asked = undefined;
      return [{ what: 'msr', cpu, msr, value: base.value(line) }];
    };
    return (whole) => {
      const line = whole.trim().replace(/\s+/g, ' ');
      const [, heading] = HEADING.exec(line) ?? [];
      if (heading !== undefined) {
        context.cpu = Number(heading);
        return [];
      }
      const [, options = '', cpu, msr] = COMMAND.exec(line) ?? [];
      if (msr !== undefined) {
        const all = /(?:^| )-(?:-all|\w*a)/.test(options);
        const base = BASES.find(({ asked: by }) => by.test(options)) ?? HEX;
        asked = { msr: Number(msr), cpu: all ? 0 : cpu === undefined ? context.cpu : Number(cpu), all, base };
        return [];
      }
      return answer(line) ?? readValue(line, context);
    };
  },
};
