// Holds the floor plan of docs/architecture.md: a folder of src/ imports only from floors below its own.

/** From the top down; folders on one floor do not know one another. */
const FLOORS = [
  ['cli'],
  ['campaign'],
  ['matrix', 'doctor', 'fuzz', 'history', 'compare', 'watch'],
  ['session'],
  ['coverage', 'repro', 'gcov'],
  ['agent', 'check', 'report'],
  ['recording', 'catalogue', 'probe', 'dumps'],
  ['scenario', 'memtype', 'dma', 'vmm', 'observe', 'lab'],
  ['kvm', 'process'],
  ['arch', 'formats', 'text'],
];

/** Neighbours on one floor that are known all the same, one way; docs/architecture.md says why. */
const NEIGHBOURS = { scenario: ['memtype'], history: ['compare'] };

/** What a folder must not reach, though it lies below. */
const NEVER = [
  ['agent', '^src/(memtype|check|report|catalogue)/', 'the agent judges nothing, and runs what it is given'],
  ['check', '^src/(kvm|vmm|dma|lab|probe)/|^src/observe/(tracefs|[a-z]+-observer)', 'judging sees data only'],
  ['dumps', '^src/(?!dumps/|arch/|text/)|^node:', 'a dump is read from a text, whoever has it'],
  ['gcov', '^src/(?!gcov/|text/)', 'counters are text'],
  ['lab', '^src/(?!lab/|process/|text/|formats/|arch/(units|page-tables))', 'the lab runs any program'],
  ['lab/image', '^src/lab/(kernel|machine)/', 'what goes into RAM knows no engine'],
  ['lab/kernel', '^src/lab/(image|machine)/', 'a kernel is built without being run'],
  ['memtype', '^src/(?!memtype/|arch/)|^node:', 'the model is pure'],
  ['probe', '^src/(memtype|check)/', 'the machine knows no model'],
  ['recording', '^src/(kvm|memtype)/', 'what travels knows neither KVM nor the model'],
  ['report', '^src/(session|agent)/', 'a report is a function of a result'],
  ['scenario', '^src/(kvm|agent)/', 'a scenario is data'],
  ['vmm', '^src/(memtype|check)/', 'the machine knows no model'],
];

const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });
const sourcesOf = (folder) => ({ path: `^src/${folder}/`, pathNot: '\\.test\\.ts$' });

const floorRules = FLOORS.flatMap((floor, i) =>
  floor.map((folder) => {
    const known = [folder, ...(NEIGHBOURS[folder] ?? []), ...FLOORS.slice(i + 1).flat()];
    return rule(`floor-of-${folder}`, `${folder}/ imports only from the floors below it`, sourcesOf(folder), {
      path: '^src/.+/',
      pathNot: `^src/(${known.join('|')})/`,
    });
  }),
);

module.exports = {
  forbidden: [
    ...floorRules,
    ...NEVER.map(([folder, path, comment]) => rule(`${folder}-never`, comment, sourcesOf(folder), { path })),
    rule(
      'lab-by-its-index',
      'what the lab offers is in src/lab/index.ts',
      { path: '^src/(?!lab/)' },
      { path: '^src/lab/(?!index\\.ts$)' },
    ),
    rule('no-circles', 'modules that need one another are one module', { path: '^src/' }, { circular: true }),
    rule(
      'one-native-boundary',
      'only src/kvm/native.ts knows that an addon exists',
      { path: '^src/', pathNot: '^src/kvm/native\\.ts$' },
      { path: 'node-gyp-build|node-addon-api' },
    ),
    rule(
      'a-place-for-each',
      'every folder of src/ has its floor',
      {
        path: '^src/',
        pathNot: `^src/((index|model|results)(\\.test)?\\.ts$|(${FLOORS.flat().join('|')})/)`,
      },
      {},
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
