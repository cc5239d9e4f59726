import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it, test } from 'vitest';
import { parse } from 'yaml';
import { campaignJsonSchema } from './json-schema.js';
import { parseCampaign } from './read.js';

const GOOD = `
campaign: nightly
kernels:
  - host
  - debian:6.1
  - images/*.bzImage
  - { name: topic, source: debian:7.2, patches: [a.patch] }
  - { source: linux, range: v7.2..topic }
  - { host: numa }
parameters:
  default: []
  legacy: [kvm.tdp_mmu=N]
scenarios: [mtrr, 'pat/*']
fuzz: { seeds: { from: 5, count: 3 }, count: 10 }
limits: { jobs: 4 }
`;

describe('a campaign', () => {
  it('is read with its defaults', () => {
    const campaign = parseCampaign(GOOD);

    expect(campaign.fuzz?.seeds).toEqual([5, 6, 7]);
    expect(campaign.limits).toEqual({ jobs: 4, attempts: 3, backoff: 10, timeout: 300, job: 3600 });
    expect(campaign.engines).toEqual(['bochs']);
  });

  it.each([
    ['count: 10', { count: 10 }],
    ['time: 60', { count: 100_000, time: 60 }],
    ['count: 10, time: 60', { count: 10, time: 60 }],
    ['subjects: [mtrr]', { count: 100, subjects: ['mtrr'] }],
  ])('tries random scenarios by %s', (given, wanted) => {
    const { fuzz } = parseCampaign(`campaign: a\nkernels: [host]\nfuzz: { seeds: [1], ${given} }`);

    expect(fuzz).toEqual({ seeds: [1], subjects: [], ...wanted });
  });

  const bad: [string, string, RegExp][] = [
    ['no YAML', 'a: [', /it is not YAML/],
    ['a key that stands twice', 'campaign: a\ncampaign: b', /it is not YAML: Map keys must be unique/],
    ['nothing', '', /the campaign: /],
    ['no kernels', 'campaign: a', /^kernels: /],
    ['a field of no name', `${GOOD}\ncolour: red`, /the campaign: there is no field colour/],
    ['a field of a kernel of no name', 'campaign: a\nkernels: [{source: x, colour: 1}]', /kernels\.0/],
    ['a host that needs what we do not know', 'campaign: a\nkernels: [{host: tdx}]', /kernels\.0/],
    ['a parameter of another module', GOOD.replace('kvm.tdp', 'foo.tdp'), /parameters\.legacy\.0: module/],
    ['a parameter with a blank', GOOD.replace('tdp_mmu=N', 'tdp_mmu=N init=x'), /parameters\.legacy\.0: /],
    ['a policy of no name', `${GOOD}\npolicy: nonsense`, /^policy: .*nonsense/],
    ['no engine of ours', `${GOOD}\nengines: [vmware]`, /engines\.0: /],
    ['a name that acts on a terminal', 'campaign: "a\\e[2J"\nkernels: [host]', /^campaign: letters/],
    ['seeds that are none', GOOD.replace('from: 5', 'from: -5'), /fuzz\.seeds/],
    [
      'a set called as no set can be',
      GOOD.replace('legacy:', '__proto__:'),
      /nothing can be called __proto__/,
    ],
    ['no time', GOOD.replace('count: 10 }', 'time: 0 }'), /fuzz\.time/],
    ['aliases that grow', bomb(), /it is not YAML: Excessive alias count/],
  ];
  it.each(bad)('of %s is refused in one sentence', (_, text, why) => {
    expect(() => parseCampaign(text)).toThrow(why);
    expect(() => parseCampaign(text)).not.toThrow(/\n/);
  });
});

function bomb(): string {
  const level = (n: number): string =>
    `l${n}: &l${n} [${Array(9)
      .fill(`*l${n - 1}`)
      .join(', ')}]`;
  return `l0: &l0 [x]\n${[1, 2, 3, 4, 5, 6].map(level).join('\n')}`;
}

const published = JSON.parse(
  readFileSync(new URL('../../../schema/campaign-v1.json', import.meta.url), 'utf8'),
);

test('the published JSON Schema is the one that the program has (npm run schema), and takes a campaign', () => {
  expect(published).toEqual(JSON.parse(JSON.stringify(campaignJsonSchema())));
  const validate = new Ajv({ strict: false }).compile(published);
  expect(validate(parse(GOOD)), JSON.stringify(validate.errors)).toBe(true);
  expect(validate({ ...parse(GOOD), colour: 1 })).toBe(false);
});
