import type { z } from 'zod';
import type * as schema from './schema.js';

/** The outcome of one scenario; DESIGN of each is in docs/results.md. */
export type Status = z.infer<typeof schema.status>;
/** One thing that was not as expected: where, what, expected and seen, and how to see it again. */
export type Failure = z.infer<typeof schema.failure>;
/** A known departure of a kernel from the architecture or from its own rules that a scenario met. */
export type MetErratum = z.infer<typeof schema.erratum>;
/** What became of one scenario on one kernel. */
export type ScenarioResult = z.infer<typeof schema.scenarioResult>;
/** How a kernel (or its emulator) died under the run. */
export type Crash = z.infer<typeof schema.crash>;
/** What machine and kernel the results are from. */
export type Fingerprint = z.infer<typeof schema.fingerprint>;
/** The results of one kernel. */
export type ResultSet = z.infer<typeof schema.resultSet>;
/** All results of one run: one set per kernel. */
export type RunResult = z.infer<typeof schema.runResult>;
/** A set before its scenarios have run: what a streaming writer shows first. */
export type SetHeader = Omit<ResultSet, 'scenarios' | 'durationMs' | 'coverage' | 'crashed' | 'incomplete'>;
/** Which set of scenarios a run is of. */
export type Scope = z.infer<typeof schema.scope>;
/** Which pairs and triples of the state space were exercised and observed. */
export type Coverage = z.infer<typeof schema.coverage>;
/** Why results end before they should. */
export type Incomplete = z.infer<typeof schema.incomplete>;
/** A run before its first set: what program, on what machine, how much is to come. */
export type RunHeader = Omit<RunResult, 'sets' | 'durationMs' | 'incomplete'>;
