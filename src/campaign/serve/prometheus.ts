/** A label's value, as Prometheus' text format has it. */
const quoted = (text: string): string =>
  `"${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`;

/** A metric, with its samples, in Prometheus' text format 0.0.4. */
export function family(
  name: string,
  help: string,
  samples: readonly (readonly [labels: object, value: number])[],
): string {
  const lines = samples.map(([labels, value]) => {
    const text = Object.entries(labels).map(([label, own]) => `${label}=${quoted(String(own))}`);
    return `${name}{${text.join(',')}} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...lines].join('\n');
}
