/** Where a scenario stands: its file, and for each step the line that it begins on; first that of the list of steps. */
export interface ScenarioSource {
  /** As it was given. */
  file: string;
  /** From 1. */
  lines: readonly number[];
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]]|\n/gs;

/** Depth of the scenario's fields, and of its steps. */
const [FIELDS, STEPS] = [1, 2];

/**
 * The line of the list of steps, and that of each step: by the signs alone, as JSON.parse() tells no places.
 * @param text JSON that is known to hold a scenario
 */
export function stepLines(text: string): number[] {
  let [line, depth, last] = [1, 0, ''];
  let lines = [1];
  let isInSteps = false;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '\n') line++;
    else if (token === '{' || token === '[') {
      depth++;
      if (depth === STEPS && token === '[') {
        isInSteps = JSON.parse(last) === 'steps';
        // Of fields that are there twice the last one counts.
        if (isInSteps) lines = [line];
      } else if (depth === STEPS + 1 && isInSteps) lines.push(line);
    } else if (token === '}' || token === ']') {
      depth--;
      if (depth === FIELDS) isInSteps = false;
    } else if (depth === FIELDS) last = token;
  }
  return lines;
}
