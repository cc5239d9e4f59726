/** A value of a column. */
export type Value = string | number | null;

/** A database of SQL, as far as an index needs one. */
export interface Database {
  /** @param sql with ? for each value */
  all<Row>(sql: string, values?: readonly Value[]): Promise<Row[]>;
  insert(table: string, columns: readonly string[], rows: readonly (readonly Value[])[]): Promise<void>;
  /** All of it, or nothing. */
  atomically(work: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}
