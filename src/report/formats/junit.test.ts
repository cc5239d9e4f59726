import { expect, it } from 'vitest';
import { crashedSet, departedSet, fullRun, runOf, scenarios, setOf } from '../../../test/support/results.js';
import { renderJunit } from './junit.js';

/**
 * What the strictest reader takes, of what is written here: the attributes of an element, and the elements in it.
 * Source: junit-10.xsd of Jenkins' xUnit plugin.
 */
const KNOWN: Record<string, [attributes: string[], children: string[]]> = {
  testsuites: [['name', 'tests', 'failures', 'errors', 'time'], ['testsuite']],
  testsuite: [
    ['name', 'tests', 'failures', 'errors', 'skipped', 'time', 'timestamp'],
    ['properties', 'testcase'],
  ],
  properties: [[], ['property']],
  property: [['name', 'value'], []],
  testcase: [
    ['classname', 'name', 'time'],
    ['skipped', 'error', 'failure', 'system-out'],
  ],
  ...Object.fromEntries(['skipped', 'error', 'failure'].map((name) => [name, [['type', 'message'], []]])),
  'system-out': [[], []],
};

function checkKnown(name: string, attributes: string, parent: string | undefined): void {
  const [known] = KNOWN[name] ?? [];
  const unknown = [...attributes.matchAll(/ ([a-z]+)=/g)].filter(([, key]) => !known?.includes(key ?? ''));
  if (unknown.length > 0) throw new Error(`<${name}> has the attributes ${unknown.join('')}`);
  if (!(parent === undefined ? ['testsuites'] : KNOWN[parent]?.[1])?.includes(name))
    throw new Error(`<${name}> is in <${parent}>`);
}

/** Read XML as strictly as this writer's subset of it allows: every tag known and closed, every sign escaped. */
function checkXml(xml: string): string[] {
  const open: string[] = [];
  const seen: string[] = [];
  const token = /<\?xml [^<>]*\?>|<(\/?)([a-z-]+)((?: [a-z]+="[^<"]*")*)(\/?)>|([^<]+)/gy;
  for (let at = 0; at < xml.length; at = token.lastIndex) {
    token.lastIndex = at;
    const match = token.exec(xml);
    if (!match) throw new Error(`not XML: ${xml.slice(at, at + 60)}`);
    const [whole, close, name, attributes = '', empty] = match;
    if (/&(?!(amp|lt|gt|quot|#\d+);)/.test(whole) || /[^\P{Cc}\t\n\r]/u.test(whole)) {
      throw new Error(`not escaped: ${whole}`);
    }
    if (!name) continue;
    if (close && open.pop() !== name) throw new Error(`</${name}> closes nothing`);
    if (!close) checkKnown(name, attributes, open.at(-1));
    if (!close) seen.push(name);
    if (!close && !empty) open.push(name);
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)}> is not closed`);
  return seen;
}

it('is well-formed with everything in it, and with nothing', () => {
  expect(checkXml(renderJunit(fullRun())).filter((name) => name === 'testcase')).toHaveLength(8);
  expect(checkXml(renderJunit(runOf()))).toEqual(['testsuites']);
});

it('says in the content, too, why a policy is not that of the version and why a run is incomplete', () => {
  const incomplete = { reason: 'interrupted', text: 'interrupted by SIGINT' } as const;
  const xml = renderJunit({ ...runOf(departedSet(true)), incomplete });

  expect(checkXml(xml)).toContain('error');
  expect(xml).toMatch(/<failure type="policy" [^>]*>Linux 6.12.5 is known for policy D, .*<\/failure>/);
  expect(xml).toContain('>interrupted by SIGINT</error>');
});

it('counts in the root as JUnit does', () => {
  const xml = renderJunit(fullRun());

  expect(xml).toContain('<testsuites name="kvm-memtype" tests="8" failures="1" errors="3" time="9.500">');
});

it("keeps a kernel parameter's name apart from the properties of its own", () => {
  const set = setOf(scenarios.pass);
  const params = { kernel: 'mine', engine: 'host', 'kvm_intel.ept': 'Y' };

  const xml = renderJunit(runOf({ ...set, fingerprint: { ...set.fingerprint, params } }));

  expect(xml).toContain('<property name="kernel" value="6.1.192"/>');
  expect(xml).toContain('<property name="engine" value="bochs"/>');
  expect(xml).toContain('<property name="param.kernel" value="mine"/>');
  expect(xml).toContain('<property name="param.kvm_intel.ept" value="Y"/>');
});

it('tells a failure, an error and a skip apart', () => {
  const xml = renderJunit(runOf(setOf(...Object.values(scenarios))));

  expect(xml).toContain('<failure type="leaf" message="expected UC, IPAT=0; seen WB, IPAT=1">');
  expect(xml).toContain('read gpa 0xc00000 # through PAT 0 &amp; &lt;mapped&gt;');
  expect(xml).toContain('<error type="error" message="nothing was observed">');
  expect(xml).toContain('<error type="timeout" message="the guest did not end in 5 s">');
  expect(xml).toContain('<skipped message="no VFIO group (bind a device to vfio-pci)"/>');
});

it("makes a dead kernel's case an error with its console", () => {
  const xml = renderJunit(runOf(crashedSet()));

  expect(xml).toContain('<testcase classname="bzImage-6.1.kernel" name="stays alive" time="0.000">');
  expect(xml).toContain(']]&gt;&lt;b&gt;&amp;');
});
