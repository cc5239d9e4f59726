/** What a kernel must answer. */
export interface ExpectedAnswer {
  readonly value: bigint;
  /** Bits that kernels of this release may answer either way. */
  readonly unsure: bigint;
  /** The kernel's function that answers. */
  readonly source: string;
}
