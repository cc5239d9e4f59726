/** What an agent is asked to do, handed over as a JSON file. */
export interface AgentSpec {
  /** Scenarios to run, in order, by name. */
  scenarios: string[];
  /** How many times to run the whole list, 1 or more. */
  repeat: number;
  /** PCI function to use for non-coherent DMA and as a BAR; `lab` takes the lab's own, null none. */
  device: string | null;
}
