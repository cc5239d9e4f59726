/** A part of a reproducer in C, and the parts that it needs. */
interface Snippet {
  readonly needs?: readonly string[];
  readonly text: string;
}

/** Parts by name, in the order in which a file has them. */
export type Snippets = Readonly<Record<string, Snippet>>;
